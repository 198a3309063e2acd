import CommandLineTool
import Foundation

exit(Tool.main(CommandLine.arguments, environment: ProcessInfo.processInfo.environment))
