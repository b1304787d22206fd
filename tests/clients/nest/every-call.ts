// A NestJS client for the suites: sends and emits, and prints what comes of it.
//
//   tsx every-call.ts '{"urls": ["amqp://…"], "queue": "inventory.nest", "noAssert": true}' \
//     '[["send", "inventory.check-stock", {"sku": "MUG-BLUE"}], ["emit", "ticket.filed", {"number": 7}]]'
//
// The first argument is what `options` of the RMQ transport are. Each call prints one line: the values, and how it ended.

import { Logger } from '@nestjs/common';
import { ClientProxyFactory, RmqRecordBuilder, Transport } from '@nestjs/microservices';
import { lastValueFrom, timeout, toArray, catchError, of, tap } from 'rxjs';

const [options, calls] = process.argv.slice(2).map((argument) => JSON.parse(argument));
Logger.overrideLogger(['error', 'fatal']);
const client = ClientProxyFactory.create({ transport: Transport.RMQ, options });

async function call([verb, pattern, data, record = {}]: [string, any, any, any?]) {
  const { patience = 30_000, ...properties } = record;
  const sent = new RmqRecordBuilder(data).setOptions(properties).build();
  if (verb === 'emit') {
    await lastValueFrom(client.emit(pattern, sent), { defaultValue: undefined });
    return { emitted: true };
  }
  const values: unknown[] = [];
  return lastValueFrom(
    client.send(pattern, sent).pipe(
      timeout(patience),
      tap((value) => values.push(value)),
      toArray(),
      catchError((error) => of({ error: error instanceof Error ? error.name : error })),
    ),
  ).then((ended) => (Array.isArray(ended) ? { values } : { values, ...ended }));
}

async function main() {
  await client.connect();
  for (const each of calls) {
    console.log(JSON.stringify(await call(each)));
  }
  await client.close();
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
