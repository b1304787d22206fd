// Asks a service with a NestQueue, and tells it something: ask.ts amqp://… clerk.nest

import { Logger } from '@nestjs/common';
import { ClientProxyFactory, Transport } from '@nestjs/microservices';
import { firstValueFrom, timeout } from 'rxjs';

const [url, queue] = process.argv.slice(2);

Logger.overrideLogger(['error']);

async function main() {
  // The service declares the queue: with other arguments than NestJS would.
  const options = { urls: [url], queue, noAssert: true, persistent: true };
  const client = ClientProxyFactory.create({ transport: Transport.RMQ, options });
  const sum = await firstValueFrom(client.send({ cmd: 'sum' }, [1, 2, 3]).pipe(timeout(10_000)));
  await firstValueFrom(client.emit('ticket.filed', { number: sum }));
  console.log(sum);
  await client.close();
}

main();
