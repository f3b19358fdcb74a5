//! The pages of the documentation, with snippets that compile. The landing page lists them
//! [in an order to read](crate#where-to-go-next).

// The repository has the same pages as Markdown, with links to its files. Here `links.md` defines
// the targets first, and the first definition of a link wins. Doc tests need no links, and have the
// lines of their page without them.

/// A module for a page.
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
