import { Controller, Get, Post } from '@nestjs/common';
import { AccessToken, Claims, Public, Scopes, type AccessTokenClaims } from 'nestjs-resource-server';
import { OrdersService } from './orders.service';

@Controller('orders')
@Scopes('read:orders')
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @Get()
  async list(@Claims() claims: AccessTokenClaims, @AccessToken() token: string) {
    return { caller: claims.sub, owner: await this.orders.ownerOf(token) };
  }

  @Post()
  @Scopes('write:orders')
  create(@Claims('sub') sub: string) {
    return { createdBy: sub };
  }

  @Get('status')
  @Public()
  status() {
    return { status: 'up' };
  }
}
