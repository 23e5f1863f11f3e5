/** What is this API made of? The whole set-up for opaque tokens: a client's credentials in `.env`, and a cache. */
import { Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { AuthModule } from 'nestjs-resource-server';
import { PaymentsController } from './payments.controller.js';
import { createRedisCache } from './redis-cache.js';
import { SessionsController } from './sessions.controller.js';
import { StatusController } from './status.controller.js';

@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true }),
    AuthModule.forRootAsync({
      inject: [ConfigService],
      // All other options come from the environment.
      useFactory: (config: ConfigService) => ({
        cache: createRedisCache(config.getOrThrow<string>('REDIS_URL')),
      }),
    }),
  ],
  controllers: [PaymentsController, SessionsController, StatusController],
})
export class AppModule {}
