// Answers services with a NestTarget, and hears what they tell: answer.ts amqp://… math_queue

import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, MessagePattern, Payload, Transport } from '@nestjs/microservices';

const [url, queue] = process.argv.slice(2);

@Controller()
class Desk {
  @MessagePattern({ cmd: 'sum' })
  sum(@Payload() numbers: number[]) {
    return numbers.reduce((sum, number) => sum + number, 0);
  }

  @EventPattern('ticket.closed')
  closed(@Payload() ticket: { number: number }) {
    console.log(ticket.number, 'is closed');
  }
}

@Module({ controllers: [Desk] })
class App {}

async function main() {
  const options = { urls: [url], queue };
  const app = await NestFactory.createMicroservice(App, { transport: Transport.RMQ, options, logger: ['error'] });
  await app.listen();
  console.log('ready');
}

main();
