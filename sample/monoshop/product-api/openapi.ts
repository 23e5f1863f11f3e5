/** What does this API look like to tools? An OpenAPI document with security from the same decorators. */
import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { applyResourceServerSecurity } from 'nestjs-resource-server';

/** At `/openapi.json`: on the adapter itself, past the guard, so that everyone can read it. */
export function serveOpenApi(app: INestApplication): void {
  const config = new DocumentBuilder().setTitle('MonoShop Product API').setVersion('1.0').build();
  const document = applyResourceServerSecurity(SwaggerModule.createDocument(app, config), app);
  SwaggerModule.setup('docs', app, document, { ui: false, raw: ['json'], jsonDocumentUrl: 'openapi.json' });
}
