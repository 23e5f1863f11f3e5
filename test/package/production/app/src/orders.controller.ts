import { Controller, Get } from '@nestjs/common';
import { Scopes } from 'nestjs-resource-server';

@Controller('orders')
@Scopes('read:orders')
export class OrdersController {
  @Get()
  list() {
    return ['Espresso cup'];
  }

  /** Is answered when the process has been told to stop. */
  @Get('last')
  async last() {
    const stop = new Promise((resolve) => process.once('SIGTERM', resolve));
    console.log('waiting for SIGTERM');
    await stop;
    return ['Teapot'];
  }
}
