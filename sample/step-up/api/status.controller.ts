/** Is the service up? Open to everyone: no token is asked for, none is looked at. */
import { Controller, Get } from '@nestjs/common';
import { Public } from 'nestjs-resource-server';

@Controller('status')
export class StatusController {
  @Get()
  @Public()
  show(): { status: string } {
    return { status: 'up' };
  }
}
