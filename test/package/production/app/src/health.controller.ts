import { Controller, Get, ServiceUnavailableException } from '@nestjs/common';
import { AuthHealthIndicator, Public } from 'nestjs-resource-server';

@Controller('health')
@Public()
export class HealthController {
  constructor(private readonly health: AuthHealthIndicator) {}

  /** The process responds. Makes no calls. */
  @Get('live')
  live() {
    return { status: 'up' };
  }

  /** Tokens can be validated: with fresh keys, or with cached ones during an outage of the provider. */
  @Get('ready')
  async ready() {
    const { auth } = await this.health.isHealthy();
    if (auth.status === 'down') throw new ServiceUnavailableException({ auth });
    return { auth };
  }
}
