import { Injectable } from '@nestjs/common';
import { TokenValidationService } from 'nestjs-resource-server';

@Injectable()
export class OrdersService {
  // By its class: that of the module and the one imported here must be the same.
  constructor(private readonly tokens: TokenValidationService) {}

  async ownerOf(token: string): Promise<string | undefined> {
    return (await this.tokens.validateAccessToken(token)).sub;
  }
}
