//! Drawings as SVG files: readable on light and on dark, with a title and a description for those who do not see them, and
//! without anything from elsewhere.

mod bars;
mod line;

pub(crate) use self::{
    bars::{Bar, bars},
    line::line,
};

/// Width of all drawings.
const WIDTH: i64 = 800;
/// Colours of GitHub's pages, which have enough contrast on both.
const STYLE: &str = "\
text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;font-size:13px;fill:#1f2328}\
.title{font-weight:600}.muted{fill:#59636e}.end{text-anchor:end}.middle{text-anchor:middle}\
.back{fill:#fff}.bar,.dot{fill:#0969da}.line{fill:none;stroke:#0969da;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}\
.grid{stroke:#d1d9e0;stroke-width:1}\
@media (prefers-color-scheme:dark){text{fill:#f0f6fc}.muted{fill:#9198a1}.back{fill:#0d1117}\
.bar,.dot{fill:#4493f8}.line{stroke:#4493f8}.grid{stroke:#3d444d}}";

/// What is said around a drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caption {
    /// With the date.
    pub(crate) title: String,
    pub(crate) source: String,
    /// What there is to see, in words.
    pub(crate) description: String,
}

/// The file around a drawing of some height.
fn drawing(caption: &Caption, height: i64, content: &str) -> String {
    let (title, source) = (escaped(&caption.title), escaped(&caption.source));
    let description = escaped(&caption.description);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" aria-labelledby=\"title desc\">\n\
         <title id=\"title\">{title}</title>\n\
         <desc id=\"desc\">{description}</desc>\n\
         <style>{STYLE}</style>\n\
         <rect class=\"back\" width=\"{WIDTH}\" height=\"{height}\"/>\n\
         <text class=\"title\" style=\"font-size:{size}px\" x=\"20\" y=\"32\">{title}</text>\n\
         {content}\
         <text class=\"muted\" x=\"20\" y=\"{bottom}\">{source}</text>\n\
         </svg>\n",
        bottom = height - 14,
        size = title_size(&caption.title),
    )
}

/// In pixels: smaller for a long title, so that all of it is to be seen. A bold letter is about 0.7 as wide as high.
fn title_size(title: &str) -> i64 {
    let letters = i64::try_from(title.chars().count()).unwrap_or(i64::MAX).max(1);
    ((WIDTH - 40) * 10 / 7 / letters).clamp(8, 18)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_title_is_set_in_smaller_letters() {
        assert_eq!(title_size("IBOV of 2026-11-25, by sector"), 18);
        let sector = "EXEMPLO, NÃO SÃO DADOS DA B3: Financeiro e Outros/Serviços Financeiros Diversos em IBOV, 2025-12-11 a 2026-11-25";
        let letters = i64::try_from(sector.chars().count()).unwrap();
        assert!(title_size(sector) * letters * 7 / 10 <= WIDTH - 40);
    }

    #[test]
    fn a_drawing_says_what_it_is_and_text_is_never_taken_for_markup() {
        let caption = Caption {
            title: "A & B <x>".to_owned(),
            source: "Source: \"B3\"".to_owned(),
            description: "Two bars".to_owned(),
        };
        let text = drawing(&caption, 100, "");
        for part in [
            "role=\"img\" aria-labelledby=\"title desc\"",
            "<title id=\"title\">A &amp; B &lt;x&gt;</title>",
            "<desc id=\"desc\">Two bars</desc>",
            "Source: &quot;B3&quot;",
            "prefers-color-scheme:dark",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert!(!text.contains("href") && !text.contains("url("), "nothing from elsewhere");
    }
}
