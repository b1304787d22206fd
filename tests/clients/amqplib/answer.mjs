// Answers `courier.quote`: what does a parcel of so many grams cost?
import amqplib from 'amqplib';

const connection = await amqplib.connect(process.argv[2]);
const channel = await connection.createConfirmChannel();
await channel.assertExchange('courier.requests', 'topic', { durable: true });
await channel.assertQueue('courier.quote', { durable: true, arguments: { 'x-queue-type': 'quorum' } });
await channel.bindQueue('courier.quote', 'courier.requests', 'courier.quote');
await channel.prefetch(16);
await channel.consume('courier.quote', async (request) => {
  const { replyTo, correlationId, headers } = request.properties;
  const { grams } = JSON.parse(request.content);
  const quote = Buffer.from(JSON.stringify({ cents: 390 + Math.floor(grams / 10), days: 2 }));
  const exchange = headers?.['garenne-reply-exchange'] ?? ''; // where services of the shop wait
  channel.publish(exchange, replyTo, quote, { contentType: 'application/json', correlationId });
  await channel.waitForConfirms();
  channel.ack(request);
});
