//! Shopping carts.

use serde::{Deserialize, Serialize};

use crate::model::{CatalogId, ProductRetailerId, scalar};

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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Order {
    /// The catalog that it was filled from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog_id: Option<CatalogId>,
    /// What the user wrote with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Box<str>>,
    /// What is in it.
    pub product_items: Vec<ProductItem>,
}

/// One line of an [`Order`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct ProductItem {
    /// Your id of the product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_retailer_id: Option<ProductRetailerId>,
    /// How many.
    #[serde(
        deserialize_with = "scalar::parsed_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub quantity: Option<u64>,
    /// The price of one, in units of the currency.
    #[serde(
        deserialize_with = "scalar::fraction_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub item_price: Option<f64>,
    /// Its ISO 4217 code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Box<str>>,
}
