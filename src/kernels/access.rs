//! Rewriting how a kernel's source declares and reads its tensors.

/// Where the declaration of binding `binding` is in `text`, from behind its `var` to before its semicolon.
pub(super) fn declaration(text: &str, binding: usize) -> Result<(usize, usize), String> {
    let mark = format!("@group(0) @binding({binding}) var");
    let start = text.find(&mark).ok_or_else(|| format!("there is no binding {binding}"))? + mark.len();
    let end = start + text[start..].find(';').ok_or("a declaration has no end")?;
    Ok((start, end))
}

/// What stands before the type of a declared array, its name, and the type of its elements.
pub(super) fn array(declaration: &str) -> Option<(&str, &str, &str)> {
    let (head, element) = declaration.split_once("array<")?;
    let name = head.rsplit(' ').find(|word| !word.is_empty())?.trim_end_matches(':');
    Some((head, name, element.strip_suffix('>')?))
}

/// `text` with every load of an element of `name` as the argument of the first of `forms`, and every value stored to one as
/// that of the second.
pub(super) fn rewritten(text: &str, name: &str, forms: [&str; 2]) -> Result<String, String> {
    let access = format!("{name}[");
    let mut out = String::with_capacity(2 * text.len());
    let mut rest = text;
    while let Some(found) = rest.find(&access) {
        let (before, after) = rest.split_at(found);
        out.push_str(before);
        let joined = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        if before.ends_with(joined) {
            out.push_str(&access);
            rest = &after[access.len()..];
            continue;
        }
        let inside = &after[access.len()..];
        let length = closing(inside).ok_or_else(|| format!("an index of {name} has no end"))?;
        let index = rewritten(&inside[..length], name, forms)?;
        let behind = &inside[length + 1..];
        if ["+=", "-=", "*=", "/="].iter().any(|op| behind.trim_start().starts_with(op)) {
            return Err(format!("{name} is changed in place"));
        }
        let [load, store] = forms;
        let stored = behind.trim_start().strip_prefix('=').filter(|value| !value.starts_with('='));
        if let Some(value) = stored {
            let length = value.find(';').ok_or_else(|| format!("a store to {name} has no end"))?;
            let stored = rewritten(value[..length].trim(), name, forms)?;
            out.push_str(&format!("{access}{index}] = {store}({stored})"));
            rest = &value[length..];
        } else {
            out.push_str(&format!("{load}({access}{index}])"));
            rest = behind;
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// Where the bracket that is open at the beginning of `text` closes.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '[' => depth += 1,
            ']' if depth == 0 => return Some(at),
            ']' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_and_stores_are_told_apart() {
        let text = "y[i + u32(x[2u * i].x)] = max[i] + p.x[i]; let z = x[x[0].y] == y[1];";
        let expected = "y[i + u32(get(x[2u * i]).x)] = max[i] + p.x[i]; let z = get(x[get(x[0]).y]) == y[1];";
        assert_eq!(rewritten(text, "x", ["get", "put"]).unwrap(), expected);
        let expected = "y[i + u32(x[2u * i].x)] = put(max[i] + p.x[i]); let z = x[x[0].y] == get(y[1]);";
        assert_eq!(rewritten(text, "y", ["get", "put"]).unwrap(), expected);
        assert_eq!(rewritten("x[1] += 2.0;", "x", ["get", "put"]).unwrap_err(), "x is changed in place");
    }

    #[test]
    fn declarations_are_found() {
        let text = "@group(0) @binding(2) var<storage, read> x: array<vec4f>;\n";
        let (start, end) = declaration(text, 2).unwrap();
        assert_eq!(array(&text[start..end]), Some(("<storage, read> x: ", "x", "vec4f")));
        assert_eq!(array("<uniform> p: Params"), None);
        assert_eq!(declaration(text, 3).unwrap_err(), "there is no binding 3");
    }
}
