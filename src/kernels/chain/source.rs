//! Kernels' sources taken apart, and what they declare renamed.

use super::super::access::{array, declaration};
use std::collections::BTreeMap;

/// Why a kernel cannot be part of a chain.
pub type Unfit = String;

/// What is known of a kernel's source: what it binds and how its entry point is called.
#[derive(Debug, PartialEq)]
pub struct Entry {
    /// What follows the name of each tensor's variable: the type.
    pub types: Vec<String>,
    /// The source without bindings and entry point attributes.
    pub(super) body: String,
    /// The names of the tensors.
    pub(super) names: Vec<String>,
    /// The builtins that the entry point takes, in order.
    pub(super) builtins: Vec<String>,
}

/// Takes a kernel's rendered source apart.
///
/// # Errors
/// Says what the entry point needs that a chain does not have.
pub fn entry(source: &str, tensors: usize) -> Result<Entry, Unfit> {
    if source.contains("var<workgroup>") || source.contains("Barrier()") {
        return Err("its threads share memory".to_owned());
    }
    let (mut types, mut names) = (Vec::new(), Vec::new());
    let mut text = uncommented(source);
    for binding in 0..2 + tensors {
        let (start, end) = declaration(&text, binding)?;
        if binding >= 2 {
            let declared = &text[start..end];
            let (head, ty) = declared.split_once(':').ok_or("a binding has no type")?;
            types.push(ty.trim().to_owned());
            let name = array(declared).map_or_else(|| head.trim(), |(_, name, _)| name);
            names.push(name.to_owned());
        }
        let from = text[..start].rfind("@group(0)").ok_or("a binding has no group")?;
        text.replace_range(from..=end, "");
    }
    let start = text.find("@compute").ok_or("there is no entry point")?;
    let open = start + text[start..].find("fn main(").ok_or("there is no main")? + "fn main(".len();
    let close = open + text[open..].find(") {").ok_or("main has no end")?;
    let mut builtins = Vec::new();
    let mut parameters = Vec::new();
    for parameter in text[open..close].split(',').map(str::trim).filter(|parameter| !parameter.is_empty()) {
        let (builtin, declared) =
            parameter.strip_prefix("@builtin(").and_then(|rest| rest.split_once(')')).ok_or("no builtin")?;
        builtins.push(builtin.to_owned());
        parameters.push(declared.trim());
    }
    let signature = format!("fn main({}", parameters.join(", "));
    text.replace_range(start..close, &signature);
    Ok(Entry { types, body: text, names, builtins })
}

impl Entry {
    /// Whether a chain of workgroups of `chain` threads has what it needs in workgroups of `own`.
    pub fn fits(&self, own: u32, chain: u32) -> bool {
        self.builtins.iter().all(|builtin| match builtin.as_str() {
            "num_workgroups" | "global_invocation_id" => true,
            "workgroup_id" | "subgroup_invocation_id" | "local_invocation_index" => own == chain,
            _ => false,
        })
    }
}

fn uncommented(source: &str) -> String {
    source.lines().map(|line| line.split("//").next().unwrap_or_default()).fold(
        String::with_capacity(source.len()),
        |mut text, line| {
            text.push_str(line);
            text.push('\n');
            text
        },
    )
}

/// `source` with its `tensors`, the live table, the parameters and all that it declares outside of functions renamed. Where
/// functions have variables of such names, what follows tells them apart.
pub(super) fn renamed(source: &str, tensors: &[String], name: impl Fn(&str) -> String) -> String {
    let words = words(source);
    let declared = declared(&words);
    let mut text = String::with_capacity(2 * source.len());
    for (at, &word) in words.iter().enumerate() {
        let before = |back: usize| at.checked_sub(back).map_or("", |at| words[at]);
        let next = words.get(at + 1).copied().unwrap_or_default();
        let own = match declared.get(word) {
            _ if !is_name(word) || before(1) == "." => false,
            _ if word == "p" => next == ".",
            _ if word == "live" || tensors.iter().any(|tensor| tensor == word) => {
                next == "[" || before(1) == "(" && before(2) == "textureLoad"
            }
            Some(&"fn") => next == "(",
            other => other.is_some(),
        };
        if own {
            text.push_str(&name(word));
        } else {
            text.push_str(word);
        }
    }
    text
}

/// The names that are declared outside of functions, and by which keyword.
fn declared<'a>(words: &[&'a str]) -> BTreeMap<&'a str, &'a str> {
    let mut names = BTreeMap::new();
    let mut depth = 0;
    let mut keyword = None;
    for word in words {
        match *word {
            "{" => depth += 1,
            "}" => depth -= 1,
            "fn" | "struct" | "const" | "alias" if depth == 0 => keyword = Some(*word),
            name if is_name(name) => {
                if let Some(keyword) = keyword.take() {
                    names.insert(name, keyword);
                }
            }
            _ => {}
        }
    }
    names
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// `source` cut into names, numbers, and single other characters.
fn words(source: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_ascii_digit() {
            rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_').unwrap_or(rest.len())
        } else if is_name(rest) {
            rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (word, after) = rest.split_at(length);
        words.push(word);
        rest = after;
    }
    words
}
