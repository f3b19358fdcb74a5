//! Shopping carts.

use crate::json::object::object;
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
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    /// use whatsapp_signals::model::Content;
    ///
    /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/order.json")?)?;
    /// let [WebhookEvent::MessageReceived(event)] = webhook.events() else { panic!("a message") };
    /// let Content::Order(order) = &event.message.content else { panic!("an order") };
    /// let first = &order.product_items[0];
    /// assert_eq!(first.product_retailer_id.as_ref().unwrap(), "jy-tube-700c");
    /// assert_eq!((first.quantity, first.item_price), (Some(3), Some(8.0)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
