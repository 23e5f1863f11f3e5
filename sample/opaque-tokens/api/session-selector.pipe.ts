/** What is to be forgotten? One token, or all tokens of one subject; exactly one of the two. */
import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';

export type SessionSelector = { readonly token: string } | { readonly sub: string };

@Injectable()
export class SessionSelectorPipe implements PipeTransform<unknown, SessionSelector> {
  transform(body: unknown): SessionSelector {
    const { token, sub } = Object(body) as Readonly<Record<string, unknown>>;
    if (isText(token) && sub === undefined) return { token };
    if (isText(sub) && token === undefined) return { sub };
    throw new BadRequestException('either token or sub, a text');
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
