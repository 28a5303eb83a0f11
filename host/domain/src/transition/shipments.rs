//! How the events about shipments change the document.

use crate::event::Event;
use crate::ids::ShipmentId;
use crate::order::{Order, Part, Shipment, ShipmentItem, TrackingNews};
use crate::status::{OrderStatus, ShipmentStatus};
use crate::time::Timestamp;

pub(super) fn apply(order: &mut Order, event: &Event, at: Timestamp) {
    use ShipmentStatus as S;
    match event {
        Event::ShipmentPacked { shipment_id } => order.move_shipment(*shipment_id, S::Packed),
        Event::ShipmentSplit { shipment_id, into, items } => order.split_shipment(*shipment_id, *into, items),
        Event::ShipmentShipped { shipment_id, news } => order.track(*shipment_id, Some(S::Shipped), news, at),
        Event::ShipmentInTransit { shipment_id, news } => order.track(*shipment_id, Some(S::InTransit), news, at),
        Event::ShipmentOutForDelivery { shipment_id, news } => {
            order.track(*shipment_id, Some(S::OutForDelivery), news, at);
        }
        Event::ShipmentDelivered { shipment_id, news } => order.track(*shipment_id, Some(S::Delivered), news, at),
        Event::ShipmentException { shipment_id, news } => order.track(*shipment_id, Some(S::Exception), news, at),
        Event::ShipmentUpdated { shipment_id, news } => order.track(*shipment_id, None, news, at),
        _ => {}
    }
}

impl Order {
    /// What its shipments make of it; where none has moved, what its payment made of it.
    #[must_use]
    pub fn derived_status(&self) -> OrderStatus {
        use OrderStatus as S;
        let shipments: Vec<ShipmentStatus> = self.shipments.iter().map(|s| s.status).collect();
        let unmoved = match self.status {
            S::Placed | S::PaymentPending | S::PaymentFailed | S::Cancelled => self.status,
            _ => S::PaymentConfirmed,
        };
        S::from_shipments(&shipments).unwrap_or(unmoved)
    }

    pub(super) fn shipment_mut(&mut self, shipment_id: ShipmentId) -> Option<&mut Shipment> {
        self.shipments.iter_mut().find(|s| s.shipment_id == shipment_id)
    }

    fn move_shipment(&mut self, shipment_id: ShipmentId, to: ShipmentStatus) {
        if let Some(shipment) = self.shipment_mut(shipment_id) {
            shipment.status = to;
        }
    }

    fn track(&mut self, shipment_id: ShipmentId, to: Option<ShipmentStatus>, news: &TrackingNews, at: Timestamp) {
        let Some(shipment) = self.shipment_mut(shipment_id) else { return };
        shipment.status = to.unwrap_or(shipment.status);
        let tracking = shipment.tracking.get_or_insert_default();
        tracking.news.take_in(news);
        match to {
            Some(ShipmentStatus::Shipped) => tracking.shipped_at = Some(at),
            Some(ShipmentStatus::Delivered) => tracking.delivered_at = Some(at),
            _ => {}
        }
    }

    fn split_shipment(&mut self, shipment_id: ShipmentId, into: ShipmentId, items: &[Part]) {
        let Some(shipment) = self.shipment_mut(shipment_id) else { return };
        let moved: Vec<ShipmentItem> = items.iter().filter_map(|part| shipment.take_out(*part)).collect();
        let new = Shipment {
            shipment_id: into,
            warehouse_id: shipment.warehouse_id.clone(),
            status: ShipmentStatus::Pending,
            items: moved,
            tracking: None,
        };
        self.shipments.push(new);
    }
}

impl Shipment {
    /// Takes units of a line out; none where there are not so many.
    pub(super) fn take_out(&mut self, part: Part) -> Option<ShipmentItem> {
        let place = self.items.iter().position(|i| i.line_id == part.line_id && i.quantity >= part.quantity)?;
        let item = &mut self.items[place];
        item.quantity -= part.quantity;
        let taken = ShipmentItem { line_id: item.line_id, sku: item.sku.clone(), quantity: part.quantity };
        if item.quantity == 0 {
            self.items.remove(place);
        }
        Some(taken)
    }

    /// The units of a line that are in it.
    #[must_use]
    pub fn units_of(&self, line_id: u32) -> u32 {
        self.items.iter().filter(|i| i.line_id == line_id).map(|i| i.quantity).sum()
    }
}
