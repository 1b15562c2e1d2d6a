//! The program and its tests are built from the same dependencies.

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::process::Command;

    /// Dependencies with their features, as cargo would build them for a selection of packages.
    fn built(selection: &[&str]) -> BTreeSet<String> {
        let tree = Command::new(env!("CARGO"))
            .args(["tree", "--locked", "--prefix", "none", "--format", "{p} [{f}]"])
            .args(selection)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
        let text = String::from_utf8(tree.stdout).unwrap();
        let line = |line: &str| line.replace(" (*)", "").replace(" (proc-macro)", "");
        // Our own crates name a folder; they are built anew anyway.
        text.lines().map(line).filter(|line| !line.contains("(/")).collect()
    }

    #[test]
    fn the_program_and_the_tests_compile_datafusion_once() {
        let program = built(&["--package", "althing", "--edges", "no-dev"]);
        let everything = built(&["--workspace"]);
        assert!(program.iter().any(|line| line.starts_with("datafusion ")), "{program:?}");
        let differs: Vec<_> = program.difference(&everything).collect();
        assert!(
            differs.is_empty(),
            "other features in a build of the workspace; give the union of them to \
             [workspace.dependencies] in Cargo.toml: {differs:#?}"
        );
    }
}
