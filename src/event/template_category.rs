use crate::model::text_enum::text_enum;

text_enum! {
    /// The category of a template, which decides its price.
    ///
    /// ```
    /// use whatsapp_signals::event::TemplateCategory;
    ///
    /// assert_eq!(TemplateCategory::from("UTILITY"), TemplateCategory::Utility);
    /// ```
    pub enum TemplateCategory {
        /// Offers and news.
        Marketing = "MARKETING",
        /// What the user asked for or bought.
        Utility = "UTILITY",
        /// One-time codes.
        Authentication = "AUTHENTICATION",
    }
}
