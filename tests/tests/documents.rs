//! The documents: how long they may be, whether their links lead anywhere, and whether readers find them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Component, Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use e2e::local;

/// A Markdown file.
struct Page {
    /// From the top of the checkout.
    path: PathBuf,
    text: String,
}

impl Page {
    /// Its lines without the fences of code blocks, each with whether it is code.
    fn lines(&self) -> impl Iterator<Item = (bool, &str)> {
        let mut in_code = false;
        self.text.lines().filter_map(move |line| {
            let fence = line.trim_start().starts_with("```");
            in_code ^= fence;
            (!fence).then_some((in_code, line))
        })
    }

    /// Prose, tables and headings.
    fn prose(&self) -> impl Iterator<Item = &str> {
        self.lines().filter(|(code, _)| !code).map(|(_, line)| line)
    }

    /// Commands, queries and output, without their comments.
    fn code(&self) -> Vec<&str> {
        let code = self.lines().filter(|(code, line)| *code && !line.starts_with("-- "));
        code.filter_map(|(_, line)| line.split("# ").next()).map(str::trim_end).collect()
    }

    /// The targets of its links to files of the checkout and to its own headings.
    fn links(&self) -> Vec<String> {
        let without_code = self.prose().map(|line| line.split('`').step_by(2).collect::<String>());
        without_code.flat_map(|line| targets(&line)).collect()
    }

    /// What its headings can be linked by.
    fn anchors(&self) -> BTreeSet<String> {
        let mut seen = BTreeMap::new();
        let headings = self.prose().filter(|line| line.starts_with('#'));
        headings
            .map(|heading| {
                let anchor = anchor(heading.trim_start_matches('#').trim());
                let times = seen.entry(anchor.clone()).or_insert(0);
                *times += 1;
                if *times == 1 { anchor } else { format!("{anchor}-{}", *times - 1) }
            })
            .collect()
    }

    /// The file that a link's path means.
    fn resolve(&self, path: &str) -> PathBuf {
        if path.is_empty() {
            return self.path.clone();
        }
        let mut resolved = self.path.parent().map(Path::to_path_buf).unwrap_or_default();
        for component in Path::new(path).components() {
            match component {
                Component::ParentDir => drop(resolved.pop()),
                other => resolved.push(other),
            }
        }
        resolved
    }
}

/// The relative targets of a line's links.
fn targets(line: &str) -> Vec<String> {
    let rests = line.split("](").skip(1);
    let all = rests.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    all.filter(|target| !target.contains("://")).map(str::to_owned).collect()
}

/// How GitHub names a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// All pages of the checkout.
fn pages() -> Result<Vec<Page>> {
    let top = local::in_workspace("")?;
    let mut pages = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(top.join(&folder))? {
            let entry = entry?;
            let name = entry.file_name();
            let path = folder.join(&name);
            let name = name.to_string_lossy();
            let made = name == "target" || (name.starts_with('.') && name != ".github");
            if entry.file_type()?.is_dir() && !made {
                folders.push(path);
            } else if name.ends_with(".md") {
                let text = fs::read_to_string(entry.path())
                    .with_context(|| format!("cannot read {}", path.display()))?;
                pages.push(Page { path, text });
            }
        }
    }
    ensure!(pages.len() > 10, "only {} pages were found in {}", pages.len(), top.display());
    Ok(pages)
}

fn page(pages: &[Page], path: impl AsRef<Path>) -> Result<&Page> {
    let path = path.as_ref();
    let found = pages.iter().find(|page| page.path == path);
    found.with_context(|| format!("there is no {}", path.display()))
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() -> Result<()> {
    let (top, pages) = (local::in_workspace("")?, pages()?);
    let anchors: BTreeMap<_, _> =
        pages.iter().map(|page| (page.path.clone(), page.anchors())).collect();
    let mut broken = Vec::new();
    for page in &pages {
        for link in page.links() {
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = page.resolve(path);
            let heading = || anchors.get(&target).is_some_and(|known| known.contains(anchor));
            if !top.join(&target).exists() || (!anchor.is_empty() && !heading()) {
                broken.push(format!("{}: {link}", page.path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere: {broken:#?}");
    Ok(())
}

#[test]
fn every_page_is_reached_from_the_readme_of_its_language() -> Result<()> {
    let pages = pages()?;
    for (start, folder, besides) in
        [("README.md", "docs", Some("docs/pt-BR")), ("README.pt-BR.md", "docs/pt-BR", None)]
    {
        let linked: BTreeSet<_> = {
            let start = page(&pages, start)?;
            let links = start.links();
            links.iter().map(|link| start.resolve(link.split('#').next().unwrap_or(""))).collect()
        };
        let unlinked: Vec<_> = pages
            .iter()
            .map(|page| &page.path)
            .filter(|path| path.starts_with(folder))
            .filter(|path| besides.is_none_or(|besides| !path.starts_with(besides)))
            .filter(|path| !linked.contains(*path))
            .collect();
        assert!(unlinked.is_empty(), "{start} does not lead to {unlinked:?}");
    }
    Ok(())
}

#[test]
fn pages_in_portuguese_show_the_same_commands_and_output() -> Result<()> {
    let pages = pages()?;
    let translated = pages.iter().filter(|page| page.path.starts_with("docs/pt-BR"));
    let mut count = 0;
    for portuguese in translated {
        let name = portuguese.path.file_name().context("a page has a name")?;
        let english = page(&pages, Path::new("docs").join(name))?;
        assert_eq!(portuguese.code(), english.code(), "{}", portuguese.path.display());
        count += 1;
    }
    assert!(count > 0, "no page is in Portuguese");
    Ok(())
}

#[test]
fn pages_that_everyone_reads_are_short() -> Result<()> {
    let pages = pages()?;
    for (path, most) in [("README.md", 150), ("README.pt-BR.md", 150), ("ARCHITECTURE.md", 250)] {
        let lines = page(&pages, path)?.text.lines().count();
        assert!(lines <= most, "{path} has {lines} lines, which are more than {most}");
    }
    Ok(())
}

#[test]
fn prose_fits_into_120_columns() -> Result<()> {
    let mut long = Vec::new();
    for page in pages()? {
        let prose = page.prose().filter(|line| !line.starts_with('|'));
        let longer = prose.filter(|line| line.chars().count() > 120);
        long.extend(longer.map(|line| format!("{}: {line}", page.path.display())));
    }
    assert!(long.is_empty(), "lines that are longer: {long:#?}");
    Ok(())
}

#[test]
fn the_number_of_mutations_is_true() -> Result<()> {
    let patches = fs::read_dir(local::in_workspace("tests/mutants")?)?
        .filter_map(Result::ok)
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "patch"))
        .count();
    let said = format!("Mutations of the code: {patches},");
    let pages = pages()?;
    let page = page(&pages, "docs/benchmark.md")?;
    assert!(page.text.contains(&said), "docs/benchmark.md does not say {said:?}");
    Ok(())
}

#[test]
fn every_test_program_is_described() -> Result<()> {
    let contributing = fs::read_to_string(local::in_workspace("CONTRIBUTING.md")?)?;
    for program in fs::read_dir(local::in_workspace("tests/tests")?)? {
        let path = program?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            ensure!(contributing.contains(&format!("\n| `--test {name}` |")), "{name} is not");
        }
    }
    Ok(())
}

#[test]
fn headings_are_linked_as_github_names_them() {
    for (heading, expected) in [
        ("What is due", "what-is-due"),
        ("The document of `--json`", "the-document-of---json"),
        ("… B3 answers HTML", "-b3-answers-html"),
        ("Logs de uma execução do Glue", "logs-de-uma-execução-do-glue"),
        ("1. Read the cause", "1-read-the-cause"),
    ] {
        assert_eq!(anchor(heading), expected);
    }
}
