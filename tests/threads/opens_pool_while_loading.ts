import { refuseDuringModuleLoad } from "../../src/worker/threads/module_load.ts";
refuseDuringModuleLoad("WorkerServer.start");
