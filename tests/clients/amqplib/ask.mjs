// Asks how many of an article there are. Prints the reply's content type and body.
import { randomUUID } from 'node:crypto';
import amqplib from 'amqplib';

const [url, sku] = process.argv.slice(2);
const connection = await amqplib.connect(url);
const channel = await connection.createConfirmChannel();
channel.on('return', () => { throw new Error('nobody is there to answer'); });
setTimeout(() => { throw new Error('no reply within 10 s'); }, 10_000).unref();

let answered;
const reply = new Promise((resolve) => { answered = resolve; });
await channel.consume('amq.rabbitmq.reply-to', answered, { noAck: true });
channel.publish('inventory.requests', 'inventory.check-stock', Buffer.from(JSON.stringify({ sku })), {
  replyTo: 'amq.rabbitmq.reply-to',
  correlationId: randomUUID(),
  expiration: 10_000,
  mandatory: true,
});
const { properties, content } = await reply;
await connection.close();
console.log(`${properties.contentType}\n${content}`);
