//! Numbers as each language writes them.

use super::Language;

impl Language {
    /// `1,234.567` or `1.234,567`, from `1234.567`. What is no plain number, such as `NaN`, stays as it is.
    pub fn number(self, plain: impl ToString) -> String {
        let plain = plain.to_string();
        let (group, mark) = match self {
            Self::English => (',', '.'),
            Self::Portuguese => ('.', ','),
        };
        let (sign, digits) = match plain.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", plain.as_str()),
        };
        // Of a double in scientific notation, the exponent stays as it is.
        let (digits, exponent) = match digits.find(['e', 'E']) {
            Some(place) => digits.split_at(place),
            None => (digits, ""),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (digits, None),
        };
        let all = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all(whole) || !fraction.is_none_or(all) {
            return plain;
        }
        let mut text = String::from(sign);
        for (position, digit) in whole.chars().enumerate() {
            if position > 0 && (whole.len() - position).is_multiple_of(3) {
                text.push(group);
            }
            text.push(digit);
        }
        if let Some(fraction) = fraction {
            text.push(mark);
            text.push_str(fraction);
        }
        text.push_str(exponent);
        text
    }

    /// As [`Language::number`], with a plus before what is greater than nothing.
    pub fn change(self, plain: impl ToString) -> String {
        let number = self.number(plain);
        let grows = !number.starts_with('-') && number.contains(|c| matches!(c, '1'..='9'));
        if grows { format!("+{number}") } else { number }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_language_does() {
        for (plain, english, portuguese) in [
            ("0", "0", "0"),
            ("999", "999", "999"),
            ("-100", "-100", "-100"),
            ("1243177587", "1,243,177,587", "1.243.177.587"),
            ("1234.567", "1,234.567", "1.234,567"),
            ("-0.010", "-0.010", "-0,010"),
            ("1.5E7", "1.5E7", "1,5E7"),
            ("NaN", "NaN", "NaN"),
            ("2026-11-20", "2026-11-20", "2026-11-20"),
            ("", "", ""),
        ] {
            assert_eq!(Language::English.number(plain), english, "{plain}");
            assert_eq!(Language::Portuguese.number(plain), portuguese, "{plain}");
        }
    }

    #[test]
    fn a_change_has_a_sign_unless_there_is_none() {
        for (plain, written) in [("1.5", "+1,5"), ("-1.5", "-1,5"), ("0.000", "0,000")] {
            assert_eq!(Language::Portuguese.change(plain), written);
        }
    }
}
