//! The guide: the pages of the repository, with examples that are tested. The landing page has a
//! [reading order](crate#where-to-go-next).

// The repository shows the same Markdown pages with links to its files. In the documentation,
// `links.md` defines other targets, and precedes the page, since the first definition of a link
// wins. Doctests omit `links.md`, so that their line numbers are those of the page.

/// Declares a module for each page.
macro_rules! pages {
    ($($name:ident = $file:literal;)*) => { $(
        #[cfg_attr(not(doctest), doc = include_str!("links.md"))]
        #[cfg_attr(not(doctest), doc = include_str!("pictures.md"))]
        #[doc = include_str!(concat!("../", $file))]
        pub mod $name {}
    )* };
}

pages! {
    axum = "docs/axum.md";
    cli = "docs/cli.md";
    compare = "COMPARE.md";
    context = "docs/context.md";
    engine = "docs/engine.md";
    features = "docs/features.md";
    migrating = "MIGRATING.md";
    operations = "docs/operations.md";
    queues = "docs/queues.md";
    receivers = "docs/receivers.md";
    security = "SECURITY.md";
    sending = "docs/sending.md";
    servers = "docs/servers.md";
    sessions = "docs/sessions.md";
    signals = "docs/signals.md";
    testing = "docs/testing.md";
    verification = "docs/verification.md";
}
