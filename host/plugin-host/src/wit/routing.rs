//! What of the world `routing` is the same in every revision so far, in each revision's own types.

/// The conversions of the records that no revision has changed.
macro_rules! unchanged {
    () => {
        /// Roughly how many bytes the input takes.
        fn weight(input: &hook::Input) -> usize {
            let lines = input.lines.iter().map(|l| crate::wit::RECORD_BYTES + l.sku.as_str().len()).sum::<usize>();
            let stock = input
                .stock
                .iter()
                .map(|s| crate::wit::RECORD_BYTES + s.sku.as_str().len() + s.warehouse_id.as_str().len())
                .sum::<usize>();
            input.context.config.len() + lines + stock + input.warehouses.len() * 2 * crate::wit::RECORD_BYTES
        }

        fn warehouse(warehouse: &hook::Warehouse) -> wit::Warehouse {
            wit::Warehouse {
                warehouse_id: warehouse.warehouse_id.as_str().into(),
                country: warehouse.country.clone(),
                region: warehouse.region.clone(),
                zip: warehouse.zip.clone(),
                latitude_e6: warehouse.latitude_e6,
                longitude_e6: warehouse.longitude_e6,
                priority: warehouse.priority,
                seller_id: warehouse.seller_id.as_ref().map(|s| s.as_str().into()),
            }
        }

        fn stock(stock: &hook::Stock) -> wit::Stock {
            wit::Stock {
                sku: stock.sku.as_str().into(),
                warehouse_id: stock.warehouse_id.as_str().into(),
                available: stock.available,
            }
        }

        /// From the guest.
        fn answer(answer: wit::Answer) -> Result<hook::Answer, crate::wit::speak::Unreadable> {
            let plans = answer.plans.into_iter().map(plan).collect::<Result<_, _>>()?;
            Ok(hook::Answer { plans })
        }

        fn plan(plan: wit::Plan) -> Result<hook::Plan, crate::wit::speak::Unreadable> {
            let allocations = plan.allocations.into_iter().map(allocation).collect::<Result<_, _>>()?;
            Ok(hook::Plan { allocations })
        }

        fn allocation(allocation: wit::Allocation) -> Result<hook::Allocation, crate::wit::speak::Unreadable> {
            let warehouse_id = domain::ids::WarehouseId::parse(&allocation.warehouse_id).map_err(|why| {
                crate::wit::speak::Unreadable(format!("the warehouse of line {} {why}", allocation.line_id))
            })?;
            Ok(hook::Allocation { line_id: allocation.line_id, warehouse_id, quantity: allocation.quantity })
        }
    };
}

pub(crate) use unchanged;
