// Ctrl Enter runs the statement, as in every other place where one writes SQL.
const statement = document.getElementById("q");
document.querySelector(".keys").hidden = false;
statement.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) statement.form.requestSubmit();
});
