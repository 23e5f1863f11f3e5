/** Who may see where the money goes? Here, a token that would work for whoever has it is not enough. */
import { Controller, Get } from '@nestjs/common';
import { CertBound, Claims, Scopes } from 'nestjs-resource-server';
import { listPayouts, type Payout } from './data.js';

@Controller('payouts')
export class PayoutsController {
  @Get()
  @CertBound()
  @Scopes('read:payouts')
  list(@Claims('sub') client: string): readonly Payout[] {
    return listPayouts(client);
  }
}
