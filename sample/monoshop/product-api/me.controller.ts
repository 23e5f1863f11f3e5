/** Who is calling? No decorator: any valid token for this API will do. The claims are the validated ones. */
import { Controller, Get } from '@nestjs/common';
import { Claims, type AccessTokenClaims } from 'nestjs-resource-server';

@Controller('me')
export class MeController {
  @Get()
  show(@Claims() claims: AccessTokenClaims): AccessTokenClaims {
    return claims;
  }
}
