/** What is this API made of? DPoP is configuration, in `.env`; what several instances share is given here. */
import { Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { AuthModule } from 'nestjs-resource-server';
import { OrdersController } from './orders.controller.js';
import { PaymentsController } from './payments.controller.js';
import { createReplayStore } from './replay-store.js';
import { StatusController } from './status.controller.js';

@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true }),
    AuthModule.forRootAsync({
      inject: [ConfigService],
      // All other options come from the environment.
      useFactory: async (config: ConfigService) => ({
        dpop: { replayStore: await createReplayStore(config.get<string>('REDIS_URL')) },
      }),
    }),
  ],
  controllers: [OrdersController, PaymentsController, StatusController],
})
export class AppModule {}
