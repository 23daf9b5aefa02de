//! The commands and options that README.md names exist.

use super::args::Arguments;
use clap::{Command, CommandFactory};
use std::path::Path;

/// Every call of the program in a text, as words: lines of code blocks, and what stands between backticks.
fn calls(text: &str) -> Vec<Vec<String>> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in text.replace("\\\n", " ").lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced || line.starts_with("    ") {
            found.extend(call(line.split([';', '|', '#', '>']).next().unwrap_or("")));
        } else {
            found.extend(line.split('`').skip(1).step_by(2).filter_map(call));
        }
    }
    found
}

fn call(text: &str) -> Option<Vec<String>> {
    let words: Vec<String> =
        text.split_whitespace().map(|word| word.trim_matches(['[', ']']).to_owned()).collect();
    let program = |word: &String| word == "wgpu-pagcp" || word.ends_with("/wgpu-pagcp");
    let cargo = text.contains("cargo run") && !text.contains("--example");
    let start = words.iter().position(|word| program(word) || cargo && word == "--")?;
    (start == 0 || cargo || words[start - 1] == "$").then(|| words[start + 1..].to_vec())
}

/// The options of a text that stand between backticks alone.
fn options(text: &str) -> Vec<String> {
    let quoted = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    quoted.filter(|word| word.starts_with("--")).map(str::to_owned).collect()
}

fn knows(command: &Command, option: &str) -> bool {
    let name = option.trim_start_matches("--").split(['=', ' ']).next().unwrap_or("");
    ["help", "version"].contains(&name) || command.get_arguments().any(|a| a.get_long() == Some(name))
}

/// What a text names that the program does not have.
fn unknown(text: &str) -> Vec<String> {
    let program = Arguments::command();
    let mut unknown = Vec::new();
    for words in calls(text) {
        let names = words.iter().filter(|word| !word.starts_with('-'));
        let command = names.clone().find_map(|word| program.find_subcommand(word));
        if command.is_none() && names.clone().next().is_some_and(|word| word.chars().any(char::is_lowercase))
        {
            unknown.push(words.join(" "));
        }
        let known = |option: &str| knows(&program, option) || command.is_some_and(|c| knows(c, option));
        unknown.extend(words.into_iter().filter(|word| word.starts_with("--") && !known(word)));
    }
    let anywhere = |option: &String| program.get_subcommands().chain([&program]).any(|c| knows(c, option));
    unknown.extend(options(text).into_iter().filter(|option| !anywhere(option)));
    unknown
}

#[test]
fn the_readme_names_commands_and_options_that_exist() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(path).unwrap();
    assert!(calls(&text).len() > 3, "README.md shows how the program is called");
    assert_eq!(unknown(&text), Vec::<String>::new());
}

#[test]
fn an_unknown_command_or_option_is_noticed() {
    let text = "```sh\n$ wgpu-pagcp prune m.onnx --tasks \\\n  t.toml --out o --depth 3\nwgpu-pagcp shrink m.onnx\n\
                cargo run --release -- bench m.onnx --quick # --slow\ncargo build --release\n```\n    wgpu-pagcp doctor --slow\n\
                `wgpu-pagcp --device 0 eval m.onnx --split val` `--json` `--nothing` `wgpu-pagcp COMMAND`\n";
    assert_eq!(unknown(text), ["--depth", "shrink m.onnx", "--quick", "--slow", "--nothing"]);
}
