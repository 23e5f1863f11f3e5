/** The page, its script, and where it signs people in. Open to everyone: what is protected is the gateway. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Controller, Get, Header } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { Public } from 'nestjs-resource-server';

// Of the folder that the application is started in, as `.env` is.
const read = (name: string): string => readFileSync(join('web', name), 'utf8');

@Controller()
@Public()
export class PageController {
  readonly #page = read('index.html');
  readonly #script = read('chat.js');

  constructor(private readonly config: ConfigService) {}

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  // The code of a sign-in is in the address of the page: it goes to nobody else.
  @Header('referrer-policy', 'no-referrer')
  showPage(): string {
    return this.#page;
  }

  @Get('chat.js')
  @Header('content-type', 'text/javascript; charset=utf-8')
  showScript(): string {
    return this.#script;
  }

  @Get('settings')
  showSettings(): { issuer: string; resource: string } {
    return {
      issuer: this.config.getOrThrow<string>('MONOCLOUD_BACKEND_TENANT_DOMAIN'),
      resource: this.config.getOrThrow<string>('MONOCLOUD_BACKEND_AUDIENCE'),
    };
  }
}
