//! A small reader of HTML, strict where browsers forgive.

use std::collections::{BTreeMap, BTreeSet};

const VOID: [&str; 5] = ["meta", "link", "input", "br", "img"];
/// Elements of SVG that stand alone as `<path …/>`.
const ALONE: [&str; 6] = ["path", "circle", "rect", "line", "use", "text"];

#[derive(Debug)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
    /// Text directly inside, and names of the elements around.
    pub(crate) text: String,
    pub(crate) within: Vec<String>,
}

impl Element {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

/// All elements in order.
///
/// # Panics
/// When the page is not well-formed: that is the test.
pub(crate) fn read(html: &str) -> Vec<Element> {
    let mut elements: Vec<Element> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut rest = html.strip_prefix("<!doctype html>").expect("a page starts with its type");
    while let Some(at) = rest.find('<') {
        let (text, tag) = rest.split_at(at);
        assert!(!text.contains('>'), "a bare > in {text:?}");
        if let Some(element) = open.last().and_then(|index| elements.get_mut(*index)) {
            element.text.push_str(text);
        }
        let (tag, after) = tag.split_at(end_of_tag(tag));
        let inner = tag.trim_start_matches('<');
        rest = after.strip_prefix('>').unwrap_or(after);
        if let Some(name) = inner.strip_prefix('/') {
            let index = open.pop().unwrap_or_else(|| panic!("</{name}> closes nothing"));
            assert_eq!(elements[index].name, name, "closed in the wrong order near {rest:.60}");
            continue;
        }
        let within = open.iter().map(|index| elements[*index].name.clone()).collect();
        let element = start(inner, within);
        let alone = VOID.contains(&element.name.as_str())
            || (inner.ends_with('/') && ALONE.contains(&element.name.as_str()));
        let raw = element.name == "script" && element.get("type") == Some("application/json");
        if !alone {
            open.push(elements.len());
        }
        elements.push(element);
        if raw {
            rest = rest.split_at(rest.find("</script>").expect("numbers end")).1;
        }
    }
    assert!(open.is_empty(), "{} elements are never closed", open.len());
    elements
}

/// A `>` inside of a quoted value ends no tag.
fn end_of_tag(tag: &str) -> usize {
    let mut quoted = false;
    for (index, letter) in tag.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '>' if !quoted => return index,
            _ => {}
        }
    }
    panic!("a tag without an end: {tag:.60}");
}

fn start(inner: &str, within: Vec<String>) -> Element {
    let inner = inner.trim_end_matches('/');
    let (name, mut rest) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
    let mut attributes = BTreeMap::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            break;
        }
        let end = rest.find(['=', ' ']).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        let value = match after.strip_prefix("=\"") {
            Some(quoted) => {
                let (value, after) = quoted.split_once('"').expect("values are quoted");
                rest = after;
                value
            }
            None => {
                assert!(!after.starts_with('='), "an unquoted value of {key}");
                rest = after;
                ""
            }
        };
        let before = attributes.insert(key.to_owned(), value.to_owned());
        assert!(before.is_none(), "{key} stands twice in <{name}>");
    }
    Element { name: name.to_owned(), attributes, text: String::new(), within }
}

/// Ids, each of which may stand once.
pub(crate) fn ids(elements: &[Element]) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for id in elements.iter().filter_map(|element| element.get("id")) {
        assert!(ids.insert(id.to_owned()), "id {id} stands twice");
    }
    ids
}
