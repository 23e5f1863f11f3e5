/** A bank: looking takes a scope, paying a fresh sign-in, and raising the limit a second factor. */
import { Controller, Get, Post } from '@nestjs/common';
import { Claims, Scopes, StepUp } from 'nestjs-resource-server';

@Controller()
export class BankController {
  @Get('account')
  @Scopes('account')
  show(@Claims('sub') sub: string): { account: string; balance: number } {
    return { account: sub, balance: 1200 };
  }

  @Post('payments')
  @Scopes('pay')
  @StepUp({ maxAge: 300 })
  pay(@Claims('auth_time') signedInAt: number): { paid: number; secondsAfterSignIn: number } {
    return { paid: 50, secondsAfterSignIn: Math.round(Date.now() / 1000 - signedInAt) };
  }

  @Post('limit')
  @Scopes('pay')
  @StepUp({ acrValues: ['urn:example:otp'], maxAge: 300 })
  raiseLimit(@Claims('amr') amr: readonly string[]): { limit: number; by: readonly string[] } {
    return { limit: 5000, by: amr };
  }
}
