//! `lang/en.ftl` as typed functions on `Text`: a text that is missing, or one that is given the
//! wrong arguments, does not compile. Reads the part of Fluent that the file uses: texts,
//! arguments and a choice by number; anything else stops the build.
//!
//! A text without arguments is plain. One with arguments is markup, and its arguments are pieces
//! of markup that are isolated already; `$count`, `$total` and arguments that a choice is made by
//! are numbers. They are given in the order in which the English text first names them. A text
//! whose key ends in `-plain` goes where markup cannot: it takes plain text, isolates it by
//! control characters and gives plain text.

use std::fmt::Write as _;

use fluent_syntax::ast::{
    Entry, Expression, InlineExpression, Message, Pattern, PatternElement, Variant, VariantKey,
};

use crate::Made;

pub(crate) fn generate(source: &str) -> Made<String> {
    let resource = fluent_syntax::parser::parse(source)
        .map_err(|(_, faults)| format!("lang/en.ftl: {faults:?}"))?;
    let mut code = String::from("impl Text {\n");
    for entry in &resource.body {
        if let Entry::Message(message) = entry {
            function(&mut code, message)?;
        }
    }
    code.push_str("}\n");
    Ok(code)
}

fn function(code: &mut String, message: &Message<&str>) -> Made<()> {
    let key = message.id.name;
    let pattern = message.value.as_ref().ok_or_else(|| format!("{key} has no text"))?;
    let mut arguments = Arguments::new();
    collect(pattern, &mut arguments)?;
    let name = key.replace('-', "_");
    let plain = key.ends_with("-plain");
    if arguments.is_empty() {
        let text = fixed(pattern)?;
        writeln!(code, "pub(crate) fn {name}(self) -> &'static str {{")?;
        writeln!(code, "match self.locale {{ Locale::En => {text:?} }} }}")?;
        return Ok(());
    }
    let mut list = String::new();
    for (argument, number) in &arguments {
        let kind = match (number, plain) {
            (true, _) => "u64",
            (false, true) => "&str",
            (false, false) => "&Markup",
        };
        write!(list, ", {}: {kind}", argument.replace('-', "_"))?;
    }
    if arguments.len() > 4 {
        let reason = "a text has as many places as its sentence needs";
        writeln!(code, "#[expect(clippy::too_many_arguments, reason = {reason:?})]")?;
    }
    let result = if plain { "String" } else { "Markup" };
    writeln!(code, "pub(crate) fn {name}(self{list}) -> {result} {{")?;
    writeln!(code, "let mut out = {result}::default(); match self.locale {{ Locale::En => {{")?;
    body(code, pattern, (&arguments, plain))?;
    writeln!(code, "}} }} out }}")?;
    Ok(())
}

/// Argument names as they first appear, and whether each is a number.
type Arguments = Vec<(String, bool)>;

fn note(found: &mut Arguments, name: &str, number: bool) {
    match found.iter_mut().find(|(known, _)| known == name) {
        Some((_, is_number)) => *is_number |= number,
        None => found.push((name.to_owned(), number)),
    }
}

fn collect(pattern: &Pattern<&str>, found: &mut Arguments) -> Made<()> {
    for element in &pattern.elements {
        let PatternElement::Placeable { expression } = element else { continue };
        match expression {
            Expression::Inline(inline) => {
                let name = variable(inline)?;
                let number = matches!(name, "count" | "total");
                note(found, name, number);
            }
            Expression::Select { selector, variants } => {
                note(found, variable(selector)?, true);
                for variant in variants {
                    collect(&variant.value, found)?;
                }
            }
        }
    }
    Ok(())
}

fn variable<'a>(inline: &InlineExpression<&'a str>) -> Made<&'a str> {
    if let InlineExpression::VariableReference { id } = inline {
        return Ok(id.name);
    }
    Err(format!("lang/en.ftl: only arguments are understood, not {inline:?}").into())
}

fn fixed(pattern: &Pattern<&str>) -> Made<String> {
    let mut text = String::new();
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { value } => text.push_str(value),
            PatternElement::Placeable { .. } => return Err("an argument was not seen".into()),
        }
    }
    Ok(text)
}

fn body(code: &mut String, pattern: &Pattern<&str>, with: (&Arguments, bool)) -> Made<()> {
    let (arguments, plain) = with;
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { value } if plain => {
                writeln!(code, "out += {value:?};")?;
            }
            PatternElement::TextElement { value } => writeln!(code, "out.push_text({value:?});")?,
            PatternElement::Placeable { expression: Expression::Inline(inline) } => {
                let name = variable(inline)?;
                let number = arguments.iter().any(|(known, number)| known == name && *number);
                let call = match (number, plain) {
                    (true, true) => format!("out += &show::count_plain({name});"),
                    (true, false) => format!("out.push(&show::count({name}));"),
                    (false, true) => format!("show::isolate(&mut out, {name});"),
                    (false, false) => format!("out.push({name});"),
                };
                writeln!(code, "{call}")?;
            }
            PatternElement::Placeable { expression: Expression::Select { selector, variants } } => {
                writeln!(code, "match Plural::of({}, self.locale) {{", variable(selector)?)?;
                for variant in variants {
                    writeln!(code, "{} => {{", arm(variant)?)?;
                    body(code, &variant.value, with)?;
                    writeln!(code, "}}")?;
                }
                writeln!(code, "}}")?;
            }
        }
    }
    Ok(())
}

fn arm(variant: &Variant<&str>) -> Made<&'static str> {
    match (&variant.key, variant.default) {
        (_, true) => Ok("Plural::Other"),
        (VariantKey::Identifier { name: "one" }, _) => Ok("Plural::One"),
        (other, _) => Err(format!("lang/en.ftl: no plural form {other:?} in English").into()),
    }
}
