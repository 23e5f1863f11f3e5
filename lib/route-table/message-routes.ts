/** Lists the message handlers of microservices, with their requirements. */
import { Inject, Injectable } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { MessageAudit } from '../guard/message-audit.js';
import { findMessagePatterns, type MessagePattern } from '../guard/rpc/message-patterns.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import { RESOLVED_OPTIONS } from '../options/resolved-options.token.js';
import { readRoutePolicy } from '../policy/route-policy.js';
import { describePolicy } from './describe-policy.js';
import type { RouteEntry } from './route-entry.js';

@Injectable()
export class MessageRoutes {
  constructor(
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(MessageAudit) private readonly audit: MessageAudit,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /** @throws {ConfigurationError} if decorators contradict one another */
  read(): readonly RouteEntry[] {
    const unguarded = this.audit.unguardedMessages();
    return findMessagePatterns(this.modules).flatMap((found) =>
      found.patterns.map((pattern) => this.#entryOf(found, pattern, unguarded)),
    );
  }

  #entryOf(
    { metatype, property, handler, isEvent }: MessagePattern,
    pattern: unknown,
    unguarded: ReadonlySet<string>,
  ): RouteEntry {
    const name = `${metatype.name}.${property}`;
    const {
      requirements: _requirements,
      mentionedScopes: _mentioned,
      ...described
    } = describePolicy(readRoutePolicy(metatype, handler), this.options);
    const isOpen = described.access !== 'public' && unguarded.has(name);
    return {
      kind: 'rpc',
      method: isGrpc(pattern) ? 'CALL' : isEvent ? 'EVENT' : 'MESSAGE',
      path: isGrpc(pattern) ? `${pattern.service}/${pattern.rpc}` : textOf(pattern),
      version: undefined,
      host: undefined,
      ...described,
      ...(isOpen && { access: 'unprotected', declared: false }),
      handler: name,
    };
  }
}

function isGrpc(pattern: unknown): pattern is { readonly service: string; readonly rpc: string } {
  return typeof pattern === 'object' && pattern !== null && 'rpc' in pattern && 'streaming' in pattern;
}

/** Returns a pattern as text. Kafka patterns may be regular expressions. */
function textOf(pattern: unknown): string {
  if (typeof pattern === 'string') return pattern;
  return pattern instanceof RegExp ? String(pattern) : JSON.stringify(pattern);
}
