//! `tokens.toml` as custom properties. The light column is the ground; the other three are told
//! apart by what the system prefers and by `data-theme`, which a person may set against it.

use std::fmt::Write as _;

use crate::Made;

/// What the browser's own widgets and bars do beside each column.
const COLUMNS: [(&str, &str); 4] =
    [("light", "light"), ("dark", "dark"), ("light-contrast", "light"), ("dark-contrast", "dark")];

pub(crate) fn css(source: &str) -> Made<String> {
    let table: toml::Table = source.parse()?;
    let mut blocks = Vec::new();
    for (column, scheme) in COLUMNS {
        let colours = table.get(column).and_then(toml::Value::as_table);
        let colours = colours.ok_or_else(|| format!("tokens.toml has no column {column}"))?;
        let mut block = format!("color-scheme:{scheme};");
        for (name, colour) in colours {
            let colour = colour.as_str().ok_or("a colour is text")?;
            write!(block, "--{name}:{colour};")?;
        }
        blocks.push(block);
    }
    let [light, dark, light_contrast, dark_contrast] = &blocks[..] else {
        return Err("four columns of colours".into());
    };
    Ok(format!(
        ":root{{{light}}}\n\
         @media(prefers-contrast:more){{:root{{{light_contrast}}}}}\n\
         @media(prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}\n\
         :root[data-theme=dark]{{{dark}}}\n\
         @media(prefers-contrast:more){{:root[data-theme=dark]{{{dark_contrast}}}}}\n\
         @media(prefers-contrast:more) and (prefers-color-scheme:dark)\
         {{:root:not([data-theme=light]){{{dark_contrast}}}}}\n"
    ))
}
