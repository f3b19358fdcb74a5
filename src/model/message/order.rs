//! Shopping carts.

use crate::model::object::object;
use crate::model::{CatalogId, ProductRetailerId};

object! {
    /// `order`: a shopping cart.
    ///
    /// ```json
    /// {"catalog_id": "194836987003835", "text": "For Friday, please",
    ///  "product_items": [{"product_retailer_id": "bell-7", "quantity": 2,
    ///                     "item_price": 9.5, "currency": "USD"}]}
    /// ```
    ///
    /// ```
    /// use whatsapp_signals::model::Order;
    ///
    /// let order: Order = serde_json::from_str(
    ///     r#"{"product_items": [{"quantity": "2", "item_price": "9.5", "currency": "USD"}]}"#,
    /// )?;
    /// let item = &order.product_items[0];
    /// assert_eq!((item.quantity, item.item_price), (Some(2), Some(9.5)));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default)]
    pub struct Order {
        /// The catalog that it was filled from.
        pub catalog_id: Option<CatalogId>,
        /// What the user wrote with it.
        pub text: Option<Box<str>>,
        /// What is in it.
        pub product_items: Vec<ProductItem>,
    }
}

object! {
    /// One line of an [`Order`].
    #[derive(Default)]
    pub struct ProductItem {
        /// Your id of the product.
        pub product_retailer_id: Option<ProductRetailerId>,
        /// How many.
        pub quantity: Option<u64>,
        /// The price of one, in units of the currency.
        pub item_price: Option<f64>,
        /// Its ISO 4217 code.
        pub currency: Option<Box<str>>,
    }
}
