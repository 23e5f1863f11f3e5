/** What the controller of docs/migration/from-nest-keycloak-connect.md becomes. */
import { Controller, Delete, Get } from '@nestjs/common';
import {
  AccessToken,
  Claims,
  Groups,
  OptionalAuth,
  Public,
  type AccessTokenClaims,
} from 'nestjs-resource-server';

/** The roles of the client `my-nestjs-app`, which nest-keycloak-connect reads by default. */
const clientRoles = { groupsClaim: 'resource_access.my-nestjs-app.roles' };

@Controller('products')
export class ProductsController {
  @Get()
  @Public()
  findAll() {
    return ['Espresso cup', 'Teapot'];
  }

  @Get('offers')
  @OptionalAuth()
  offers(@Claims() user?: AccessTokenClaims) {
    return { for: user?.['preferred_username'] ?? 'everybody' };
  }

  @Get('mine')
  mine(@Claims() user: AccessTokenClaims, @AccessToken() token: string) {
    return { owner: user.sub, forwarded: token.length > 0 };
  }

  @Get('barcodes')
  @Groups(['admin', 'other'], clientRoles)
  barcodes() {
    return ['4006381333931'];
  }

  @Delete(':code')
  @Groups(['admin'], clientRoles)
  @Groups('sysadmin')
  remove() {
    return { removed: true };
  }
}
