import { retry } from "./retry.js";

/** Orders of one customer; the service behind it fails now and then. */
export function loadOrders(client, customerId) {
  return retry(() => client.get(`/customers/${customerId}/orders`), { tries: 4, baseMs: 50 });
}
