// Places an order: an event, as JSON, to its owner's exchange. Prints the order's number.
import { randomUUID } from 'node:crypto';
import amqplib from 'amqplib';

const order = {
  order_id: randomUUID(),
  customer: { name: 'Grace Hopper', email: 'grace@example.org' },
  lines: [{ sku: 'MUG-BLUE', quantity: 2 }],
  card: 'tok_ok',
};
const connection = await amqplib.connect(process.argv[2]);
const channel = await connection.createConfirmChannel();
channel.on('return', () => { throw new Error('no queue takes this event'); });
channel.publish('storefront.events', 'storefront.checkout-submitted', Buffer.from(JSON.stringify(order)), {
  contentType: 'application/json',
  messageId: randomUUID(),
  persistent: true,
  mandatory: true,
});
await channel.waitForConfirms();
await connection.close();
console.log(order.order_id);
