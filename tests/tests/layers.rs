//! The module graph has no circles, the modules of `shared` use those below them only, and functions know nothing of each
//! other.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use e2e::local;
use serde::Deserialize;
use syn::{Attribute, File, Item, ItemMod, UseTree, visit, visit::Visit};

/// The modules of `shared`, each above those that it may use.
const LAYERS: [&str; 16] = [
    "failure",
    "values",
    "b3",
    "portfolio",
    "keys",
    "landing",
    "raw",
    "events",
    "settings",
    "telemetry",
    "failpoint",
    "tls",
    "http",
    "aws",
    "queues",
    "stage",
];

/// A module's path in its crate, such as `["stage", "parts"]`; the crate's root is empty.
type Module = Vec<String>;

/// The production code of a crate.
struct Crate {
    modules: BTreeMap<Module, File>,
}

impl Crate {
    fn read(folder: &Path) -> Result<Self> {
        let mut modules = BTreeMap::new();
        let root = ["lib.rs", "main.rs"].map(|name| folder.join("src").join(name));
        let root = root.into_iter().find(|file| file.exists()).context("no root module")?;
        read_module(&root, vec![], &mut modules)?;
        Ok(Self { modules })
    }

    /// Which modules each module takes names from.
    fn uses(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let uses = self.modules.iter().map(|(module, file)| {
            let mut paths = Paths::default();
            paths.visit_file(file);
            let used = paths.found.iter().filter_map(|path| self.defining(module, path));
            (module.clone(), used.filter(|used| used != module).collect())
        });
        uses.collect()
    }

    /// The module that defines what a path in `module` names; `None` if that is outside this crate.
    fn defining(&self, module: &[String], path: &[String]) -> Option<Module> {
        let (first, mut rest) = path.split_first()?;
        let mut found = match first.as_str() {
            "crate" => vec![],
            "self" => module.to_vec(),
            "super" => module.split_last()?.1.to_vec(),
            child => {
                rest = path;
                self.modules
                    .contains_key(&[module, &[child.to_owned()]].concat())
                    .then(|| module.to_vec())?
            }
        };
        for (place, name) in rest.iter().enumerate() {
            let child = [found.as_slice(), std::slice::from_ref(name)].concat();
            if name == "super" {
                found.pop();
            } else if self.modules.contains_key(&child) {
                found = child;
            } else {
                let reexported =
                    self.reexports(&found).into_iter().find(|path| path.last() == Some(name));
                let rest = rest.iter().skip(place + 1).cloned();
                let inner = reexported.map(|path| path.into_iter().chain(rest).collect::<Vec<_>>());
                return inner.and_then(|path| self.defining(&found, &path)).or(Some(found));
            }
        }
        Some(found)
    }

    fn reexports(&self, module: &[String]) -> Vec<Vec<String>> {
        let items = self.modules.get(module).map(|file| file.items.as_slice()).unwrap_or_default();
        let public = items.iter().filter_map(|item| match item {
            Item::Use(item) if !matches!(item.vis, syn::Visibility::Inherited) => Some(&item.tree),
            _ => None,
        });
        let mut paths = Vec::new();
        public.for_each(|tree| flatten(tree, &[], &mut paths));
        paths
    }
}

fn read_module(path: &Path, module: Module, modules: &mut BTreeMap<Module, File>) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let file = syn::parse_file(&text).with_context(|| path.display().to_string())?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let folder = path.parent().context("a file has a folder")?;
    let folder = match stem.as_str() {
        "lib" | "main" | "mod" => folder.to_owned(),
        stem => folder.join(stem),
    };
    for item in &file.items {
        if let Item::Mod(ItemMod { content: None, ident, attrs, .. }) = item
            && !is_for_tests(attrs)
        {
            let name = ident.to_string();
            let files =
                [format!("{name}.rs"), format!("{name}/mod.rs")].map(|name| folder.join(name));
            let file = files.into_iter().find(|file| file.exists()).context(name.clone())?;
            read_module(&file, [module.as_slice(), &[name]].concat(), modules)?;
        }
    }
    modules.insert(module, file);
    Ok(())
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    let test = |attribute: &Attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    };
    attributes.iter().any(test)
}

/// The paths in a file, tests and re-exports left out.
#[derive(Default)]
struct Paths {
    found: Vec<Vec<String>>,
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if matches!(item.vis, syn::Visibility::Inherited) {
            flatten(&item.tree, &[], &mut self.found);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            let names = path.segments.iter().map(|segment| segment.ident.to_string());
            self.found.push(names.collect());
        }
        visit::visit_path(self, path);
    }
}

fn flatten(tree: &UseTree, prefix: &[String], paths: &mut Vec<Vec<String>>) {
    let with = |name: &syn::Ident| [prefix, &[name.to_string()]].concat();
    match tree {
        UseTree::Path(path) => flatten(&path.tree, &with(&path.ident), paths),
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, prefix, paths)),
        UseTree::Name(name) if name.ident == "self" => paths.push(prefix.to_vec()),
        UseTree::Name(name) => paths.push(with(&name.ident)),
        UseTree::Rename(rename) => paths.push(with(&rename.ident)),
        UseTree::Glob(_) => paths.push(prefix.to_vec()),
    }
}

/// A circle that can be reached from `module`, if there is one.
fn circle(
    module: &Module,
    uses: &BTreeMap<Module, BTreeSet<Module>>,
    way: &mut Vec<Module>,
    finished: &mut BTreeSet<Module>,
) -> Option<Vec<Module>> {
    if let Some(start) = way.iter().position(|earlier| earlier == module) {
        return Some(way.split_off(start));
    }
    if finished.contains(module) {
        return None;
    }
    way.push(module.clone());
    let found = uses.get(module).into_iter().flatten();
    let found = found.into_iter().find_map(|used| circle(used, uses, way, finished));
    way.pop();
    finished.insert(module.clone());
    found
}

/// Each package of the workspace: its name, its folder, and the packages of the workspace that it depends on.
fn packages() -> Result<Vec<(String, PathBuf, BTreeSet<String>)>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let metadata = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--locked", "--format-version=1"])
        .current_dir(local::in_workspace("")?)
        .output()?;
    ensure!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Metadata = serde_json::from_slice(&metadata.stdout)?;
    let names: BTreeSet<_> = metadata.packages.iter().map(|package| package.name.clone()).collect();
    let packages =
        metadata.packages.into_iter().map(|Package { name, manifest_path, dependencies }| {
            let normal = dependencies.into_iter().filter(|dependency| dependency.kind.is_none());
            let ours = normal.map(|dependency| dependency.name).filter(|name| names.contains(name));
            let folder = manifest_path.parent().context("a manifest has a folder")?.to_owned();
            Ok((name, folder, ours.collect()))
        });
    packages.collect()
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

#[test]
fn no_crate_has_a_circle_of_modules() -> Result<()> {
    let mut circles = Vec::new();
    for (name, folder, _) in packages()? {
        let uses = Crate::read(&folder)?.uses();
        let mut finished = BTreeSet::new();
        for module in uses.keys() {
            let circle = circle(module, &uses, &mut vec![], &mut finished);
            circles.extend(circle.map(|circle| {
                let names = circle.iter().map(|module| module.join("::")).collect::<Vec<_>>();
                format!("{name}: {}", names.join(" -> "))
            }));
        }
    }
    assert!(circles.is_empty(), "{circles:#?}");
    Ok(())
}

#[test]
fn modules_of_shared_use_those_of_lower_layers_only() -> Result<()> {
    let uses = Crate::read(&local::in_workspace("shared")?)?.uses();
    let tops: BTreeSet<_> = uses.keys().filter_map(|module| module.first()).collect();
    assert_eq!(tops, LAYERS.map(str::to_owned).iter().collect(), "each module has a layer");
    let layer = |module: &Module| {
        LAYERS.iter().position(|name| module.first().is_some_and(|top| top == name))
    };
    for (module, used) in uses.iter().filter(|(module, _)| !module.is_empty()) {
        for used in used {
            assert!(layer(used) <= layer(module), "{} uses {}", module.join("::"), used.join("::"));
        }
    }
    Ok(())
}

#[test]
fn functions_know_nothing_of_each_other() -> Result<()> {
    let packages = packages()?;
    let functions: Vec<_> = packages
        .iter()
        .filter(|(_, folder, _)| folder.parent().is_some_and(|top| top.ends_with("services")))
        .collect();
    assert_eq!(functions.len(), 4);
    for (name, _, dependencies) in functions {
        let allowed = BTreeSet::from(["refine", "shared"].map(str::to_owned));
        let others: Vec<_> = dependencies.difference(&allowed).collect();
        assert!(others.is_empty(), "{name} knows {others:?}");
    }
    Ok(())
}
