/** What is this API made of? Which certificate a token needs is in the token; where to find the caller's is said here. */
import { Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { AuthModule } from 'nestjs-resource-server';
import { chooseCertificateResolver } from './certificate-resolver.js';
import { OrdersController } from './orders.controller.js';
import { PayoutsController } from './payouts.controller.js';
import { StatusController } from './status.controller.js';

@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true }),
    AuthModule.forRootAsync({
      inject: [ConfigService],
      // All other options come from the environment.
      useFactory: (config: ConfigService) => ({ certificateResolver: chooseCertificateResolver(config) }),
    }),
  ],
  controllers: [OrdersController, PayoutsController, StatusController],
})
export class AppModule {}
