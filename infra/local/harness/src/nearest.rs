//! "Did you mean": which known word a wrong one resembles.

/// How much alike two words are that may be the same, from 0 to 1. As clap has it for its own suggestions.
const ALIKE: f64 = 0.7;

/// The known word that is most like `word`, if any is.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::jaro(word, name), name))
        .filter(|(likeness, _)| *likeness > ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_forgiven_and_another_word_is_not_taken() {
        let known = ["totals", "truncated", "missing-page"];
        assert_eq!(nearest("total", known), Some("totals"));
        assert_eq!(nearest("mising-page", known), Some("missing-page"));
        assert_eq!(nearest("xyz", known), None);
    }
}
