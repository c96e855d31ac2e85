//! "Did you mean …?": the nearest of the names that would have been right.

/// The known name that is most like `word`, when it is like enough to be worth saying.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.is_empty() || word.len() > 80 {
        return None;
    }
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|name| (likeness(&word, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// Two letters that changed places are one slip, which counts for more the shorter the word is.
fn likeness(word: &str, name: &str) -> f64 {
    let swapped = word.len() == name.len() && strsim::osa_distance(word, name) == 1;
    let likeness = strsim::jaro_winkler(word, name);
    if swapped && word.len() > 2 { likeness.max(0.9) } else { likeness }
}

/// `; did you mean 'x'?` or nothing.
pub fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map(|name| format!("; did you mean '{name}'?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_nonsense_finds_nothing() {
        let known = ["allow_plain_http", "token", "url", "pools"];
        assert_eq!(nearest("allow_plain_htp", known), Some("allow_plain_http"));
        assert_eq!(nearest("tokne", known), Some("token"));
        assert_eq!(nearest("ulr", known), Some("url"));
        assert_eq!(nearest("zzzz", known), None);
        assert_eq!(hint("", known), "");
    }
}
