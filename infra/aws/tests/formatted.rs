//! The files are as `terraform fmt` writes them. Where there is no Terraform, as far as the lines tell.

use std::process::Command;

use aws_files::{files, folder};

/// Whether brackets that a line opens are closed on it.
fn is_whole(line: &str) -> bool {
    let count = |open: char, close: char| (line.matches(open).count(), line.matches(close).count());
    [count('{', '}'), count('[', ']'), count('(', ')')].into_iter().all(|(open, close)| open == close)
}

/// Where the equals sign of an assignment on one line stands.
fn assignment(line: &str) -> Option<usize> {
    let name_end = line.trim_start().find(|c: char| !(c.is_ascii_alphanumeric() || "_-\"/.".contains(c)))?;
    let at = line.len() - line.trim_start().len() + name_end;
    let rest = line[at..].trim_start();
    (name_end > 0 && rest.starts_with("= ") && is_whole(line)).then(|| line.len() - rest.len())
}

/// What `terraform fmt` would change, as far as it can be told by the lines.
fn disorder(text: &str) -> Option<String> {
    if !text.ends_with('\n') || text.ends_with("\n\n") {
        return Some("it ends with one newline".to_owned());
    }
    let (mut before, mut depth) = (None, 0_usize);
    for (number, line) in text.lines().enumerate() {
        let wrong = |what: &str| Some(format!("line {}: {what}: {line}", number + 1));
        if line.contains('\t') || line.ends_with(' ') {
            return wrong("a tab, or a space at its end");
        }
        let indent = line.len() - line.trim_start().len();
        let closes = line.trim_start().starts_with(['}', ']', ')']);
        let expected = 2 * depth.saturating_sub(usize::from(closes));
        if !line.is_empty() && indent != expected {
            return wrong("it is not indented by two spaces for each level");
        }
        let here = assignment(line).map(|at| (indent, at));
        if let (Some((indent, at)), Some((other_indent, other_at))) = (here, before)
            && indent == other_indent
            && at != other_at
        {
            return wrong("its equals sign is not below the one before");
        }
        before = here;
        // Several brackets that one line opens are one level.
        let opens = line.matches(['{', '[', '(']).count();
        let shuts = line.matches(['}', ']', ')']).count();
        depth = (depth + usize::from(opens > shuts)) - usize::from(shuts > opens);
    }
    None
}

#[test]
fn every_file_is_formatted() {
    for (path, text) in files() {
        assert_eq!(disorder(&text), None, "{}", path.display());
    }
    if machine::packages::in_path("terraform").is_some() {
        let output = Command::new("terraform").args(["fmt", "-check", "-diff", "-no-color"]).arg(folder()).output();
        let output = output.expect("it starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn what_terraform_would_format_otherwise_is_found() {
    let well = "a \"b\" {\n  one   = 1\n  three = [2]\n\n  c = {\n    d = 1\n  }\n}\n";
    assert_eq!(disorder(well), None);
    for (from, to) in [("  one   = 1", "  one = 1"), ("    d = 1", "   d = 1"), ("[2]\n", "[2] \n"), ("\n}\n", "\n}")] {
        assert!(disorder(&well.replacen(from, to, 1)).is_some(), "{from} -> {to}");
    }
}
