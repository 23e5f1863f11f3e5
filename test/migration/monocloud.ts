/** What the routes of docs/migration/from-monocloud-backend-sdk.md become. */
import { Controller, Delete, Get, HttpCode, Post } from '@nestjs/common';
import { CertBound, Claims, Groups, Public, Scopes, type AccessTokenClaims } from 'nestjs-resource-server';

@Controller('api')
export class ApiController {
  @Get('me')
  me(@Claims() claims: AccessTokenClaims) {
    return { sub: claims.sub };
  }

  @Post('posts')
  @Scopes('posts:write')
  create(@Claims('sub') sub: string) {
    return { author: sub };
  }

  @Delete('posts/:id')
  @Groups('admin')
  @HttpCode(204)
  remove() {}

  @Get('secure')
  @CertBound()
  secure(@Claims() claims: AccessTokenClaims) {
    return claims;
  }

  @Get('status')
  @Public()
  status() {
    return { status: 'up' };
  }
}
