/**
 * Somebody has signed off, or a token was stolen and revoked: how does this API get to know at once? It is told.
 *
 * Forgetting grants nothing and revokes nothing: the next request with such a token asks the authorization server. It
 * costs a question per token, though, so not everybody may do it.
 */
import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { Scopes, TokenValidationService, type ForgetReport } from 'nestjs-resource-server';
import { SessionSelectorPipe, type SessionSelector } from './session-selector.pipe.js';

@Controller('sessions')
export class SessionsController {
  constructor(private readonly tokens: TokenValidationService) {}

  /** The token stands in the body: a URL would be in every log on the way. The answer says what was not reached. */
  @Post('forget')
  @Scopes('manage:sessions')
  @HttpCode(200)
  forget(@Body(SessionSelectorPipe) session: SessionSelector): Promise<ForgetReport> {
    return this.tokens.forget(session);
  }
}
