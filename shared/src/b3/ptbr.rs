//! Strict parsing of B3's Brazilian numbers and dates.
//!
//! B3 answers in American format when asked in another language, with the separators swapped: `1.243` is a thousand in
//! the one and about one in the other. A value is therefore accepted only in the exact shape that B3 was measured to
//! send, and American format has an error of its own, so that the cause is plain.

use chrono::NaiveDate;

use crate::values::Weight;

/// A value that is not in B3's Brazilian format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Separators are swapped: the answer is in en-us.
    #[error("{value:?} is in en-us format, pt-br was asked for")]
    EnUs { value: String },
    /// Not a shape that B3 uses.
    #[error("{value:?} is not {expected}")]
    Malformed { value: String, expected: &'static str },
}

impl FormatError {
    fn malformed(value: &str, expected: &'static str) -> Self {
        Self::Malformed { value: shortened(value), expected }
    }

    fn en_us(value: &str) -> Self {
        Self::EnUs { value: shortened(value) }
    }
}

/// Parses a whole number with points between thousands, such as `1.243.177.587`.
pub fn integer(value: &str) -> Result<i64, FormatError> {
    const EXPECTED: &str = "a whole number with points between thousands, such as 1.243.177.587";
    match grouped(value, '.') {
        Some(digits) => digits.parse().map_err(|_| FormatError::malformed(value, EXPECTED)),
        None if grouped(value, ',').is_some() => Err(FormatError::en_us(value)),
        None => Err(FormatError::malformed(value, EXPECTED)),
    }
}

/// Parses a weight in percent with exactly three decimals, such as `2,663`.
pub fn weight(value: &str) -> Result<Weight, FormatError> {
    const EXPECTED: &str = "a percentage with three decimals, such as 2,663";
    let thousandths = |separator| {
        let (whole, decimals) = value.split_once(separator)?;
        let padded = whole.len() > 1 && whole.starts_with('0');
        let fits = (1..=3).contains(&whole.len()) && decimals.len() == 3 && !padded;
        let number = |digits: &str| digits.parse::<u32>().ok().filter(|_| all_digits(digits));
        fits.then_some(())?;
        Some(number(whole)? * 1000 + number(decimals)?)
    };
    match thousandths(',').and_then(Weight::from_thousandths) {
        Some(weight) => Ok(weight),
        None if thousandths('.').is_some() => Err(FormatError::en_us(value)),
        None => Err(FormatError::malformed(value, EXPECTED)),
    }
}

/// Parses a date written `dd/mm/yy`, of the years 2000 to 2099.
///
/// # Errors
/// [`FormatError::EnUs`] for a date that is valid only as `mm/dd/yy`.
pub fn date(value: &str) -> Result<NaiveDate, FormatError> {
    const EXPECTED: &str = "a date written dd/mm/yy, such as 20/11/26";
    let parts: Vec<&str> = value.split('/').collect();
    let &[first, second, year] = parts.as_slice() else {
        return Err(FormatError::malformed(value, EXPECTED));
    };
    let two_digits = |text: &str| {
        (text.len() == 2 && all_digits(text)).then(|| text.parse::<u32>().ok()).flatten()
    };
    let (Some(first), Some(second), Some(year)) =
        (two_digits(first), two_digits(second), two_digits(year))
    else {
        return Err(FormatError::malformed(value, EXPECTED));
    };
    let on = |day, month| NaiveDate::from_ymd_opt(2000 + i32::try_from(year).ok()?, month, day);
    match on(first, second) {
        Some(date) => Ok(date),
        None if on(second, first).is_some() => Err(FormatError::en_us(value)),
        None => Err(FormatError::malformed(value, EXPECTED)),
    }
}

/// Converts the index's divisor, such as `18.553.794,87445950`, to plain notation (`18553794.87445950`). B3 once sent
/// `18.296.80337677573`: such a value is `None`, never a guess.
pub fn reductor(value: &str) -> Option<String> {
    let (whole, decimals) = value.split_once(',')?;
    let whole = grouped(whole, '.')?;
    (decimals.len() == 8 && all_digits(decimals)).then(|| format!("{whole}.{decimals}"))
}

/// The digits of a number whose thousands are grouped, or `None`.
fn grouped(value: &str, separator: char) -> Option<String> {
    let mut groups = value.split(separator);
    let first = groups.next().filter(|group| (1..=3).contains(&group.len()))?;
    let mut digits = String::with_capacity(value.len());
    digits.push_str(first);
    for group in groups {
        (group.len() == 3).then(|| digits.push_str(group))?;
    }
    let padded = digits.len() > 1 && digits.starts_with('0');
    (all_digits(&digits) && !padded).then_some(digits)
}

/// The part of a value of B3's that an error quotes.
pub fn shortened(value: &str) -> String {
    const MAX_CHARACTERS: usize = 40;
    cut(value, MAX_CHARACTERS)
}

/// The beginning of a text, with an ellipsis if there is more.
pub(super) fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn print_integer(number: i64) -> String {
        let digits = number.to_string();
        let mut text = String::new();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                text.push('.');
            }
            text.push(digit);
        }
        text
    }

    #[test]
    fn whole_numbers() {
        assert_eq!(integer("1.243.177.587"), Ok(1_243_177_587));
        assert_eq!(integer("976"), Ok(976));
        assert_eq!(integer("0"), Ok(0));
        assert!(matches!(integer("1,243,177,587"), Err(FormatError::EnUs { .. })));
        for bad in ["", "1.24", "1243177587", "-1", "1.243,0", ".123", "1..234", "01", "1 234", "٣"]
        {
            assert!(matches!(integer(bad), Err(FormatError::Malformed { .. })), "{bad}");
        }
        assert!(integer("99.999.999.999.999.999.999").is_err(), "beyond 64 bits");
    }

    #[test]
    fn weights() {
        assert_eq!(weight("2,663").unwrap().thousandths(), 2_663);
        assert_eq!(weight("100,000").unwrap().thousandths(), 100_000);
        assert_eq!(weight("0,000").unwrap().thousandths(), 0);
        assert!(matches!(weight("2.663"), Err(FormatError::EnUs { .. })));
        for bad in
            ["", "2", "2,66", "2,6630", "2663", ",663", "-2,663", "1.000,000", "2,66x", "02,663"]
        {
            assert!(matches!(weight(bad), Err(FormatError::Malformed { .. })), "{bad}");
        }
    }

    #[test]
    fn dates() {
        assert_eq!(date("20/11/26"), Ok(NaiveDate::from_ymd_opt(2026, 11, 20).unwrap()));
        assert!(matches!(date("11/20/26"), Err(FormatError::EnUs { .. })));
        for bad in ["", "2026-11-20", "20/11/2026", "31/02/26", "20/13", "20/11/26/1", "a/b/c"] {
            assert!(matches!(date(bad), Err(FormatError::Malformed { .. })), "{bad}");
        }
    }

    #[test]
    fn errors_quote_the_beginning_only() {
        let american = format!("1{}", ",234".repeat(100_000));
        for text in [american, "x".repeat(100_000)] {
            assert!(integer(&text).unwrap_err().to_string().len() < 150);
        }
    }

    #[test]
    fn a_malformed_reductor_is_none() {
        assert_eq!(reductor("18.553.794,87445950").as_deref(), Some("18553794.87445950"));
        assert_eq!(reductor("18.296.80337677573"), None);
        assert_eq!(reductor("18553794,87445950"), None);
        assert_eq!(reductor("18.553.794,8744"), None);
    }

    proptest! {
        #[test]
        fn integers_survive_printing(number in 0..=i64::MAX) {
            prop_assert_eq!(integer(&print_integer(number)), Ok(number));
        }

        #[test]
        fn weights_survive_printing(thousandths in 0..=999_999_u32) {
            let weight_read = weight(&Weight::from_thousandths(thousandths).unwrap().to_string().replace('.', ","));
            prop_assert_eq!(weight_read.unwrap().thousandths(), thousandths);
        }

        #[test]
        fn dates_survive_printing(days in 0..36_525_i32) {
            let day = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap() + chrono::Days::new(u64::try_from(days).unwrap());
            prop_assert_eq!(date(&day.format("%d/%m/%y").to_string()), Ok(day));
        }

        #[test]
        fn nothing_panics(text in "\\PC{0,30}") {
            let _ = (integer(&text), weight(&text), date(&text), reductor(&text));
        }
    }
}
