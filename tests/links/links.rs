//! Every link and anchor, of the pages in the repository and of the rendered documentation:
//!
//! ```sh
//! rm -rf target/doc
//! cargo doc -p whatsapp-signals --no-deps --all-features # first, as other crates link to its pages
//! cargo doc --workspace --exclude whatsapp-signals --no-deps --all-features
//! cargo test --manifest-path tests/links/Cargo.toml
//! ```
//!
//! The documentation is that of `CARGO_TARGET_DIR`, or of `target` in the repository.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Component, Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex};
use std::{env, fs};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use comrak::options::BrokenLinkReference;
use percent_encoding::percent_decode_str;
use scraper::{Html, Selector};
use walkdir::WalkDir;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The folder of the rendered documentation.
static DOC: LazyLock<PathBuf> = LazyLock::new(|| {
    let target = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let doc = target.unwrap_or_else(|| root().join("target")).join("doc");
    assert!(doc.is_dir(), "no documentation in {}", doc.display());
    normal(&fs::canonicalize(doc).unwrap())
});

/// The ids and links of the pages of the documentation, by path.
static RENDERED: LazyLock<HashMap<PathBuf, Page>> = LazyLock::new(|| {
    // The pages of the folder itself, such as the settings, are rustdoc's.
    let files = WalkDir::new(&*DOC)
        .min_depth(2)
        .into_iter()
        .map(Result::unwrap);
    let pages = files.filter(|file| file.path().extension().is_some_and(|kind| kind == "html"));
    let read = |file: walkdir::DirEntry| {
        let page = Page::new(&fs::read_to_string(file.path()).unwrap());
        (file.into_path(), page)
    };
    pages.map(read).collect()
});

/// The ids and links of the Markdown pages, as a repository's site renders them.
static MARKDOWN: LazyLock<BTreeMap<PathBuf, Page>> = LazyLock::new(|| {
    let list = [
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "*.md",
    ];
    let git = Command::new("git")
        .args(list)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        git.status.success(),
        "{}",
        String::from_utf8_lossy(&git.stderr)
    );
    let names = String::from_utf8(git.stdout).unwrap();
    let paths = names.lines().map(|name| root().join(name));
    // The target of a symbolic link is in the list itself.
    let files = paths.filter(|path| path.symlink_metadata().is_ok_and(|file| file.is_file()));
    let pages = files.map(|path| (path.clone(), markdown(&fs::read_to_string(path).unwrap())));
    pages
        .filter(|(path, _)| *path != root().join("src/links.md"))
        .collect()
});

fn root() -> PathBuf {
    normal(&fs::canonicalize(ROOT).unwrap())
}

/// Returns a path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => assert!(normal.pop(), "{}", path.display()),
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}

struct Page {
    ids: HashSet<String>,
    links: BTreeSet<String>,
    /// The page to which this one redirects, with the fragment.
    redirect: Option<String>,
}

impl Page {
    fn new(html: &str) -> Self {
        let html = Html::parse_document(html);
        let all = |selector: &str, attribute: &'static str| -> Vec<String> {
            let selector = Selector::parse(selector).unwrap();
            let elements = html.select(&selector);
            elements
                .filter_map(|element| element.attr(attribute))
                .map(str::to_owned)
                .collect()
        };
        let ids = all("[id]", "id").into_iter().collect();
        // The texts of the blanket implementations are those of other crates, with their links.
        let own = ":not(#blanket-implementations-list *)";
        let mut links: BTreeSet<_> = all(&format!("a[href]{own}"), "href").into_iter().collect();
        links.extend(all(&format!("img[src]{own}"), "src"));
        let refresh = all(r#"meta[http-equiv="refresh"]"#, "content").pop();
        let redirect = refresh.and_then(|content| Some(content.split_once("URL=")?.1.to_owned()));
        Self {
            ids,
            links,
            redirect,
        }
    }

    fn has(&self, fragment: &str) -> bool {
        // Rustdoc scrolls to a range of lines by a script.
        let is_line = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        match fragment.split_once('-') {
            Some((first, last)) if is_line(first) && is_line(last) => {
                self.ids.contains(first) && self.ids.contains(last)
            }
            _ => fragment.is_empty() || self.ids.contains(fragment),
        }
    }
}

/// Renders Markdown with the anchors of GitHub. A reference without a definition becomes a link
/// with the target `undefined:`.
fn markdown(text: &str) -> Page {
    let mut options = comrak::Options::default();
    options.extension.table = true;
    options.extension.header_id_prefix = Some(String::new());
    options.parse.broken_link_callback = Some(Arc::new(|link: BrokenLinkReference<'_>| {
        Some(comrak::ResolvedReference {
            url: format!("undefined:{}", link.original),
            title: String::new(),
        })
    }));
    Page::new(&comrak::markdown_to_html(text, &options))
}

/// Returns the path in the rendered documentation of a page of this repository's crates on docs.rs.
fn on_docs_rs(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("https://docs.rs/whatsapp-signals")?;
    let mut parts = path.trim_end_matches('/').splitn(3, '/');
    let module = format!("whatsapp_signals{}", parts.next()?.replace('-', "_"));
    let _version = parts.next();
    Some(DOC.join(parts.next().unwrap_or(&module)))
}

/// Returns why a link of a page leads nowhere.
fn check(page: &Path, link: &str) -> Result<(), String> {
    let (target, fragment) = link.split_once('#').unwrap_or((link, ""));
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let path = match on_docs_rs(target) {
        Some(path) => path,
        None if target.starts_with("https://") || target.starts_with("data:image/") => {
            return Ok(());
        }
        None if target.is_empty() => page.to_owned(),
        None if target.contains(':') => return Err("neither a file nor https".into()),
        None => {
            let target = decode(target.split_once('?').map_or(target, |(path, _)| path));
            normal(&page.parent().unwrap().join(target))
        }
    };
    let is_rendered = path.starts_with(&*DOC);
    if !is_rendered && !path.starts_with(root()) {
        return Err("outside".into());
    }
    let path = if is_rendered && path.is_dir() {
        path.join("index.html")
    } else {
        path
    };
    let known = RENDERED.get(&path).or_else(|| MARKDOWN.get(&path));
    match known {
        Some(Page {
            redirect: Some(target),
            ..
        }) => check(&path, &format!("{target}#{fragment}")),
        // Rustdoc writes its ids as they are in a URL.
        Some(page) if page.has(fragment) || page.has(&decode(fragment)) => Ok(()),
        Some(_) => Err(format!("no #{fragment} in {}", path.display())),
        None if !path.exists() => Err(format!("no file {}", path.display())),
        None if fragment.is_empty() => Ok(()),
        None => Err(format!("#{fragment} in a file without headings")),
    }
}

fn check_all<'a>(pages: impl Iterator<Item = (&'a PathBuf, &'a Page)>) -> usize {
    let broken = Mutex::new(Vec::new());
    let mut checked = 0;
    for (path, page) in pages {
        for link in &page.links {
            checked += 1;
            if let Err(reason) = check(path, link) {
                broken
                    .lock()
                    .unwrap()
                    .push(format!("{}: {link}: {reason}", path.display()));
            }
        }
    }
    let broken = broken.into_inner().unwrap();
    assert!(
        broken.is_empty(),
        "{} links:\n{}",
        broken.len(),
        broken.join("\n")
    );
    checked
}

#[test]
fn every_link_of_the_pages_leads_to_a_file_and_its_heading() {
    assert!(MARKDOWN.contains_key(&root().join("docs/receivers.md")));
    assert!(check_all(MARKDOWN.iter()) > 100);
}

#[test]
fn every_link_of_the_rendered_documentation_leads_to_a_page_and_its_anchor() {
    assert!(RENDERED.contains_key(&DOC.join("whatsapp_signals/guide/receivers/index.html")));
    assert!(check_all(RENDERED.iter()) > 10_000);
}

#[test]
fn the_rendered_pages_have_the_pictures_of_the_repository() {
    let pictures = fs::read_to_string(root().join("src/pictures.md")).unwrap();
    let mut seen = 0;
    for (picture, page) in [
        ("docs/flow.svg", "index.html"),
        ("benches/charts/peers.svg", "guide/compare/index.html"),
        ("benches/charts/stores.svg", "guide/compare/index.html"),
    ] {
        let base64 = BASE64_STANDARD.encode(fs::read(root().join(picture)).unwrap());
        let uri = format!("data:image/svg+xml;base64,{base64}");
        assert!(
            pictures.contains(&format!("]: {uri}\n")),
            "run docs/pictures.sh: {picture}"
        );
        let page = &RENDERED[&DOC.join("whatsapp_signals").join(page)];
        assert!(page.links.contains(&uri), "{picture} is not shown");
        seen += 1;
    }
    assert_eq!(pictures.lines().count(), seen);
}

/// A build of the package does not notice, as only its documentation needs them.
#[test]
fn every_page_of_the_guide_is_in_the_package() {
    let list = [
        "package",
        "--list",
        "--allow-dirty",
        "--package",
        "whatsapp-signals",
    ];
    let cargo = Command::new(env!("CARGO"))
        .args(list)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        cargo.status.success(),
        "{}",
        String::from_utf8_lossy(&cargo.stderr)
    );
    let package = String::from_utf8(cargo.stdout).unwrap();
    let package: HashSet<_> = package.lines().collect();
    let guide = fs::read_to_string(root().join("src/guide.rs")).unwrap();
    let pages = guide
        .lines()
        .filter_map(|line| line.split_once(" = \"")?.1.strip_suffix("\";"));
    let mut pages: Vec<_> = pages.collect();
    assert!(pages.len() >= 16, "{pages:?}");
    pages.extend(["README.md", "src/links.md", "src/pictures.md"]);
    pages.retain(|page| !package.contains(page));
    assert!(pages.is_empty(), "{pages:?}");
}
