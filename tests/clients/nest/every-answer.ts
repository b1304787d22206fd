// A NestJS server for the suites: prints what it is told, and answers in all the ways in which NestJS can.
//
//   tsx every-answer.ts '{"urls": ["amqp://…"], "queue": "math_queue", "noAck": false}'
//
// The argument is what `options` of the RMQ transport are. Prints a line when it is ready, and one for each message.

import 'reflect-metadata';
import { CallHandler, Controller, ExecutionContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, MessagePattern, Payload, RmqContext, RpcException, Transport } from '@nestjs/microservices';
import { NEVER, concat, finalize, from, interval, map, take, throwError } from 'rxjs';

const options = JSON.parse(process.argv[2]);
const print = (line: unknown) => console.log(JSON.stringify(line));

@Controller()
class Desk {
  @MessagePattern({ cmd: 'sum' })
  sum(@Payload() numbers: number[]) {
    return numbers.reduce((sum, number) => sum + number, 0);
  }

  // Keys in another order than the caller's.
  @MessagePattern({ cmd: 'sum', and: 'double' })
  double(@Payload() numbers: number[]) {
    return 2 * this.sum(numbers);
  }

  @MessagePattern('desk.count')
  count(@Payload() { to }: { to: number }) {
    return from(Array.from({ length: to }, (_, i) => i + 1));
  }

  @MessagePattern('desk.count-slowly')
  countSlowly(@Payload() { to }: { to: number }) {
    return interval(5).pipe(take(to), map((i) => i + 1));
  }

  @MessagePattern('desk.break-off')
  breakOff() {
    return concat(from([1, 2]), throwError(() => new RpcException('out of paper')));
  }

  @MessagePattern('desk.undefined')
  undefined() {}

  @MessagePattern('desk.null')
  null() {
    return null;
  }

  @MessagePattern('desk.refuse')
  refuse(@Payload() { words }: { words: unknown }) {
    throw new RpcException(words as string | object);
  }

  @MessagePattern('desk.crash')
  crash() {
    throw new Error('password hunter2 refused');
  }

  @MessagePattern('desk.hang')
  hang() {
    print({ hangs: true });
    return NEVER;
  }

  @EventPattern('ticket.closed')
  closed(@Payload() data: unknown, @Ctx() context: RmqContext) {
    const { properties, fields } = context.getMessage() as any;
    print({ closed: data, messageId: properties.messageId, type: properties.type, routingKey: fields.routingKey });
  }
}

@Module({ controllers: [Desk] })
class App {}

// With `noAck: false` it is the application that acknowledges.
function acknowledge(context: ExecutionContext, next: CallHandler) {
  const rmq = context.switchToRpc().getContext<RmqContext>();
  return next.handle().pipe(finalize(() => rmq.getChannelRef().ack(rmq.getMessage())));
}

async function main() {
  const app = await NestFactory.createMicroservice(App, { transport: Transport.RMQ, options, logger: ['error', 'fatal'] });
  if (options.noAck === false) {
    app.useGlobalInterceptors({ intercept: acknowledge });
  }
  await app.listen();
  print({ ready: true });
}

main();
