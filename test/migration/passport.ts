/** What the strategy and the controller of docs/migration/from-passport-jwt.md become. */
import { Controller, Get, Injectable, UnauthorizedException, type PipeTransform } from '@nestjs/common';
import { Claims, Public, Scopes } from 'nestjs-resource-server';

export interface User {
  readonly id: string;
  readonly name: string;
}

@Injectable()
export class UsersService {
  readonly #users = new Map([['user-1', { id: 'user-1', name: 'Ada' }]]);

  find(id: string): Promise<User | undefined> {
    return Promise.resolve(this.#users.get(id));
  }
}

/** Replaces `validate`: finds the application's user by the `sub` of a validated token. */
@Injectable()
export class UserBySub implements PipeTransform<string, Promise<User>> {
  constructor(private readonly users: UsersService) {}

  async transform(sub: string): Promise<User> {
    const user = await this.users.find(sub);
    if (!user) throw new UnauthorizedException();
    return user;
  }
}

@Controller('profile')
export class ProfileController {
  @Get()
  profile(@Claims('sub', UserBySub) user: User) {
    return user;
  }

  @Get('orders')
  @Scopes('read:orders')
  orders(@Claims('sub') sub: string) {
    return { ordersOf: sub };
  }

  @Get('hello')
  @Public()
  hello() {
    return { hello: 'world' };
  }
}
